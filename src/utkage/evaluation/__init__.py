"""How accurate predictions are: metrics, groups, calibration, robustness and reports."""
