package main

import "context"

// openSandbox is the contest of starting a sandbox, against nobody.
func openSandbox(_ context.Context, e env) (contest, error) {
	return contest{
		name: "sandbox", title: "Starting a sandbox", rounds: 10,
		about:   "From the start of the process until three Regions serve.",
		metrics: []metric{{"ready", "until it serves", "ms", theirsToOurs}},
		targets: []target{{metric: "ready", atMost: 1000}},
		contestants: []contestant{{name: "s3fanout sandbox", run: func(ctx context.Context, round int) (sample, error) {
			w, err := startWorld(ctx, e, "", round)
			if err != nil {
				return nil, err
			}
			return sample{"ready": float64(w.ready.Microseconds()) / 1000}, w.stop()
		}}},
	}, nil
}
