"""Report: tables, figures and the self-contained HTML page, all derived from scores and stores."""
