"""Long simulation studies behind the claims in `docs/calibration.md` and `docs/rivals.md`."""
