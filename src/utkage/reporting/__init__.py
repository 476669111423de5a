"""Building blocks of reports: tables, charts and pages."""
