package lambda

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What waits is seen by its age, each time that Lambda tries it again: after
// 1, 2, 4 seconds and so on, at most every five minutes.
func TestAgeOfThrottledEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var mu sync.Mutex
		var ages []time.Duration
		throttles := 0
		w.cfg.Count = func(_, _, metric string, value float64) {
			mu.Lock()
			defer mu.Unlock()
			switch metric {
			case "AsyncEventAge":
				ages = append(ages, time.Duration(value*float64(time.Millisecond)).Round(time.Second))
			case "Throttles":
				throttles++
			}
		}
		f := w.busyFunction(t)
		fail := w.process(f, "id", payload(order{Do: "report"}), lineage{}, time.Now().Add(-defaultEventAge+20*time.Minute))
		if fail == nil || fail.condition != eventAgeExceeded {
			t.Errorf("failure = %+v, want EventAgeExceeded", fail)
		}
		var waited []time.Duration
		for _, a := range ages {
			waited = append(waited, a-ages[0])
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(waited, want) || ages[0] != defaultEventAge-20*time.Minute || throttles != len(want) {
			t.Errorf("ages %v, %d throttles; want %v more than the first", ages, throttles, want)
		}
	})
}

func TestAgeAndNumberOfEvents(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	published := map[string][]float64{}
	w.cfg.Count = func(_, _, metric string, value float64) {
		mu.Lock()
		defer mu.Unlock()
		published[metric] = append(published[metric], value)
	}
	arn := w.functionWithDestination(t, nil)
	w.invokeAsync(t, arn, order{Do: "fail"})
	w.settle(t)
	// One event, three attempts, each a little later.
	age := published["AsyncEventAge"]
	if len(published["AsyncEventsReceived"]) != 1 || len(age) != 3 || !slices.IsSorted(age) || age[0] < 0 ||
		len(published["AsyncEventsDropped"]) != 1 {
		t.Errorf("told %v; want 1 event received, 3 growing ages, 1 dropped", published)
	}
	if _, err := w.Invoke(t.Context(), w.admin(), arn, payload(order{Do: "report"})); err != nil {
		t.Fatal(err)
	}
	if n := len(published["AsyncEventAge"]) + len(published["AsyncEventsReceived"]); n != 4 {
		t.Errorf("a synchronous invocation counts as an event: %v", published)
	}
}
