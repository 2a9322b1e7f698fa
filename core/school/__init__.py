"""Schools, their campuses and their policy; staff, merchants, sites and terminals."""
