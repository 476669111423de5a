"""Labels, sources, splits, the chip store, batch order and augmentation."""
