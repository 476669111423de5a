"""From pictures as they are distributed to a clean, split chip store."""
