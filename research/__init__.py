"""What the paper did around the method: training, the demo's world, speed. It knows deig_core; nobody knows it."""
