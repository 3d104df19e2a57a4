"""Stand-in of FlareSolverr: the packaged one needs Chromium and dependencies pinned in 2024."""
