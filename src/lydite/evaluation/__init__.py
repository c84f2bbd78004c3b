"""Evaluation: backtests models, keeps their scores, and judges which explains outcomes best."""
