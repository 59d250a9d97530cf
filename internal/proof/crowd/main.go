// The crowd program serves the console of a made-up set as large as one can be: twenty
// Regions, a hundred thousand dead letters, and keys that are hostile. It ends with its
// standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"s3fanout/internal/console"
	"s3fanout/internal/operator/document"
)

const hostile = `<img src=x onerror="document.title='owned'">/"'&amp;` + "\u202e.txt"

// crowd is a set of twenty Regions with a hundred thousand dead letters, whose keys
// are hostile. What is not asked of it here would panic.
type crowd struct {
	console.Source

	regions []string
}

func (c crowd) Status(context.Context) (console.Look, error) {
	s := console.Look{Status: document.Status{ReplicaSet: "media"}}
	for i, r := range c.regions {
		letters := 5000
		row := document.StatusRegion{Region: r, Parts: map[string]string{"bucket": "ok"}, DeadLetters: &letters}
		for j, source := range c.regions {
			if i != j {
				row.Lag = append(row.Lag, document.StatusLag{SourceRegion: source, P50: 100, P99: 120_000})
			}
		}
		s.Regions = append(s.Regions, row)
	}
	return s, nil
}

func (c crowd) Trends(context.Context) (list []console.Trend, _ error) {
	one := 1.0
	for _, target := range c.regions {
		for _, source := range c.regions {
			t := console.Trend{SourceRegion: source, TargetRegion: target, Start: time.Unix(0, 0), Period: 5 * time.Minute}
			for range 36 {
				t.Replicas, t.P99Seconds = append(t.Replicas, &one), append(t.P99Seconds, &one)
			}
			list = append(list, t)
		}
	}
	return list, nil
}

func (c crowd) DeadLetters(_ context.Context, read func(int)) (document.Redrive, error) {
	d := document.Redrive{}
	for i := range 100_000 {
		d.Letters = append(d.Letters, document.RedriveLetter{
			Region: c.regions[i%len(c.regions)], MessageID: fmt.Sprint(i), Reason: hostile, Outcome: "waiting",
			Objects: []document.RedriveObject{{Key: fmt.Sprint(i, hostile)}},
		})
	}
	read(len(d.Letters))
	return d, nil
}

func (c crowd) Alarms(context.Context) (list []console.Alarm, _ error) {
	for _, r := range c.regions {
		list = append(list, console.Alarm{Region: r, Name: "dead-letters", State: "ALARM", Reason: hostile})
	}
	return list, nil
}

func main() {
	c := crowd{}
	for i := range 20 {
		c.regions = append(c.regions, fmt.Sprintf("xx-region-%d", i))
	}
	ctx, stop := context.WithCancel(context.Background())
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that counts
		stop()
	}()
	if err := console.Serve(ctx, l, console.Options{Source: c, Set: "media", Regions: c.regions}, func(url string) { fmt.Println(url) }); err != nil {
		log.Fatal(err)
	}
}
