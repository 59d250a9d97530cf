package lambda

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func plenty(more int) int { return more }

// occupy has n callers ask for their turn, one after the other, and hold it for
// as long as hold says. It returns how many have it now, and the most that had.
func occupy(t *testing.T, c *capacity, n int, hold time.Duration) (now, most *atomic.Int64) {
	t.Helper()
	now, most = new(atomic.Int64), new(atomic.Int64)
	for range n {
		go func() {
			if c.acquire(t.Context()) != nil {
				return
			}
			defer c.release()
			if here := now.Add(1); here > most.Load() {
				most.Store(here)
			}
			defer now.Add(-1)
			select {
			case <-time.After(hold):
			case <-t.Context().Done():
			}
		}()
		synctest.Wait()
	}
	return now, most
}

// Hundreds that only wait run side by side within seconds.
func TestCapacityGrowsWhileNobodyFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(8, 1000, plenty)
		now, _ := occupy(t, c, 300, time.Hour)
		if got := now.Load(); got != 8 {
			t.Errorf("at first %d run, want 8", got)
		}
		<-time.After(2 * time.Second)
		if got := now.Load(); got != 300 {
			t.Errorf("after two seconds %d run, want all 300", got)
		}
		<-time.After(2 * time.Hour)
		synctest.Wait()
		if c.busy != 0 || c.limit != 8 || c.growing != nil {
			t.Errorf("afterwards busy %d, limit %d, growing %v; want 0, 8 and not", c.busy, c.limit, c.growing != nil)
		}
	})
}

// With a network like AWS's nobody waits for others to stall, unless memory is short.
func TestEagerCapacityGrowsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := 200
		c := newCapacity(8, 1000, func(more int) int { more = min(more, room); room -= more; return more })
		c.eager = true
		now, _ := occupy(t, c, 300, time.Hour)
		if got := now.Load(); got != 208 {
			t.Errorf("at once %d run, want 208: 8, and 200 that there is room for", got)
		}
	})
}

// Where some finish all the time, more would only compete for the processor.
func TestCapacityStaysSmallWhileSomeFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(8, 1000, plenty)
		_, most := occupy(t, c, 2000, 40*time.Millisecond)
		<-time.After(time.Minute)
		if got := most.Load(); got != 8 {
			t.Errorf("up to %d ran, want 8", got)
		}
	})
}

// The quota and the memory are limits; the memory is asked again.
func TestCapacityHasLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 5
		c := newCapacity(2, 20, func(more int) int {
			more = min(more, left)
			left -= more
			return more
		})
		now, _ := occupy(t, c, 100, time.Hour)
		<-time.After(10 * time.Second)
		if got := now.Load(); got != 7 {
			t.Errorf("%d run, want the 2 and the 5 that there is room for", got)
		}
		c.mu.Lock()
		left = 1000
		c.mu.Unlock()
		<-time.After(10 * time.Second)
		if got := now.Load(); got != 20 {
			t.Errorf("%d run, want the 20 of the quota", got)
		}
		fixed := newCapacity(2, 2, nil)
		now, _ = occupy(t, fixed, 10, time.Hour)
		<-time.After(time.Minute)
		if got := now.Load(); got != 2 {
			t.Errorf("%d run, want 2", got)
		}
	})
}

// Who asks first is first, and who gives up takes nothing with him.
func TestCapacityIsALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCapacity(1, 1, nil)
		if err := c.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		impatient, leave := context.WithCancel(t.Context())
		var order []int
		for i := range 4 {
			ctx := t.Context()
			if i == 1 {
				ctx = impatient
			}
			go func() {
				if c.acquire(ctx) == nil {
					order = append(order, i)
					c.release()
				}
			}()
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		c.release()
		synctest.Wait()
		if want := []int{0, 2, 3}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
		if c.busy != 0 {
			t.Errorf("%d are busy, want none", c.busy)
		}
	})
}

func TestAffordable(t *testing.T) {
	for _, tt := range []struct {
		wanted, running int
		available       int64
		want            int
	}{
		{10, 8, 8 << 30, 10},
		{10, 8, spareBytes + 3*environmentBytes, 3},
		{10, 8, spareBytes, 0},
		{10, 8, 0, 0},
		{10, 8, -1, 10},
		{10, 60, -1, 4},
		{10, 70, -1, 0},
	} {
		if got := affordable(tt.wanted, tt.running, tt.available); got != tt.want {
			t.Errorf("%+v: got %d", tt, got)
		}
	}
}
