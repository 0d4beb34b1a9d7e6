"""The adapter's modules, with the paper's names: IDE, position net and fusers."""
