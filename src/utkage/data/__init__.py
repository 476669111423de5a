"""Labels, sources, splits, the chip store, batches and augmentation."""
