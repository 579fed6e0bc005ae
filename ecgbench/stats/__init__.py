"""Statistics over predictions and over tables: intervals, comparisons, ranks. No torch."""
