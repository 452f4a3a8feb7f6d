"""Evaluation: metrics, statistics, published figures and tidy scores; never sees which method it scores."""
