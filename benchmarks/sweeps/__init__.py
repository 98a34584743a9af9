"""What sweeps cost: throughput, speed-up, overhead, memory, and what would saturate first on 1,000 cores."""
