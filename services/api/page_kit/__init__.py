"""What pages of reports are made of: shell, bars, scales, figures, verdict, places. It knows no report."""
