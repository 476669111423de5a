"""From photographs, videos and chips to predicted ages and genders."""
