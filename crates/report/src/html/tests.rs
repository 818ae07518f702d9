//! The page of small and of odd reports.
