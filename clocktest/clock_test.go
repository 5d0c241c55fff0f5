package clocktest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
)

var _ rotatelog.Clock = (*clocktest.Clock)(nil)

var noon = time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC)

// everywhere runs a test in a synctest bubble and outside of one.
func everywhere(t *testing.T, f func(t *testing.T)) {
	t.Run("bubble", func(t *testing.T) { synctest.Test(t, f) })
	t.Run("no bubble", f)
}

func await(t *testing.T, c *clocktest.Clock, n int) {
	t.Helper()
	if err := c.AwaitSleepers(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

func wantNow(t *testing.T, c *clocktest.Clock, want time.Time) {
	t.Helper()
	if got := c.Now(); !got.Equal(want) {
		t.Errorf("Now = %v, want %v", got, want)
	}
}

func TestNow(t *testing.T) {
	zone := time.FixedZone("EDT", -4*60*60)
	c := clocktest.New(noon.In(zone))
	c.Advance(90 * time.Second)
	if got := c.Now().String(); got != "2025-07-10 08:01:30 -0400 EDT" {
		t.Errorf("Now = %s", got)
	}
	c.Set(noon)
	wantNow(t, c, noon)
	c.Suspend(time.Hour)
	wantNow(t, c, noon.Add(time.Hour))
	c.Set(noon.Add(-time.Hour))
	wantNow(t, c, noon.Add(-time.Hour))
	c.Advance(0)
	wantNow(t, c, noon.Add(-time.Hour))
}

func TestAdvanceBackwards(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Advance by a negative duration did not panic")
		}
	}()
	clocktest.New(noon).Advance(-1)
}

func TestSleepReturnsAtOnce(t *testing.T) {
	c := clocktest.New(noon)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, d := range []time.Duration{0, -1, math.MinInt64} {
		if err := c.Sleep(ended, d); err != nil {
			t.Errorf("Sleep(%d) = %v", d, err)
		}
	}
	if err := c.Sleep(ended, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep with a ctx that has ended = %v", err)
	}
	if n := c.Sleepers(); n != 0 {
		t.Errorf("Sleepers = %d, want 0", n)
	}
}

func TestSleepEndsWithCause(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := clocktest.New(noon)
		cause := errors.New("closing")
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { done <- c.Sleep(ctx, time.Hour) }()
		await(t, c, 1)
		cancel(cause)
		if err := <-done; err != cause {
			t.Errorf("Sleep = %v, want the cause", err)
		}
		if n := c.Sleepers(); n != 0 {
			t.Errorf("Sleepers = %d, want 0", n)
		}
		c.Advance(2 * time.Hour) // must not wait for who has left
	})
}

// Each sleeper reads the clock as it wakes; the next is not woken before.
func TestAdvanceWakesInOrder(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := clocktest.New(noon)
		var woken []string
		readings := make(chan string)
		c.Settle = func() {
			for len(woken)+c.Sleepers() < 4 {
				woken = append(woken, <-readings)
			}
		}
		for i, d := range []time.Duration{3, 1, 2, 1} {
			go func() {
				if err := c.Sleep(t.Context(), d*time.Minute); err != nil {
					t.Error(err)
				}
				readings <- fmt.Sprintf("%d at %s", i, c.Now().Format("15:04:05"))
			}()
			await(t, c, i+1)
		}
		c.Advance(2*time.Minute + 30*time.Second)
		wantNow(t, c, noon.Add(150*time.Second))
		if n := c.Sleepers(); n != 1 {
			t.Errorf("Sleepers = %d, want 1", n)
		}
		c.Advance(30 * time.Second)
		want := []string{"1 at 12:01:00", "3 at 12:01:00", "2 at 12:02:00", "0 at 12:03:00"}
		if !slices.Equal(woken, want) {
			t.Errorf("woken: %q, want %q", woken, want)
		}
	})
}

// Without Settle, one turn at a time, with AwaitSleepers between, sees each
// turn of a loop.
func TestAdvanceTurnByTurn(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := clocktest.New(noon)
		ctx, cancel := context.WithCancel(t.Context())
		var turns []string // read between AwaitSleepers and Advance
		done := make(chan struct{})
		go func() {
			defer close(done)
			for c.Sleep(ctx, time.Minute) == nil {
				turns = append(turns, c.Now().Format("15:04"))
			}
		}()
		for range 3 {
			await(t, c, 1)
			c.Advance(time.Minute)
		}
		await(t, c, 1)
		if want := []string{"12:01", "12:02", "12:03"}; !slices.Equal(turns, want) {
			t.Errorf("turns: %q, want %q", turns, want)
		}
		cancel()
		<-done
	})
}

// In a bubble, one Advance sees all turns.
func TestAdvanceWithSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clocktest.New(noon)
		c.Settle = synctest.Wait
		ctx, cancel := context.WithCancel(t.Context())
		var turns []string
		go func() {
			for c.Sleep(ctx, time.Minute) == nil {
				turns = append(turns, c.Now().Format("15:04:05"))
			}
		}()
		c.Advance(3*time.Minute + 30*time.Second)
		if want := []string{"12:01:00", "12:02:00", "12:03:00"}; !slices.Equal(turns, want) {
			t.Errorf("turns: %q, want %q", turns, want)
		}
		cancel()
	})
}

func TestStepsWakeNoSleeper(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := clocktest.New(noon)
		woke := make(chan time.Time, 1)
		go func() {
			if err := c.Sleep(t.Context(), time.Hour); err != nil {
				t.Error(err)
			}
			woke <- c.Now()
		}()
		await(t, c, 1)
		c.Set(noon.AddDate(0, 0, 1))
		c.Set(noon.AddDate(0, 0, -1))
		c.Suspend(48 * time.Hour)
		c.Advance(59 * time.Minute)
		if n := c.Sleepers(); n != 1 {
			t.Fatalf("Sleepers = %d before the hour has passed, want 1", n)
		}
		c.Advance(time.Minute)
		if got, want := <-woke, noon.AddDate(0, 0, 1).Add(time.Hour); !got.Equal(want) {
			t.Errorf("woke at %v, want %v", got, want)
		}
	})
}

func TestSleepForever(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		c := clocktest.New(noon)
		c.Advance(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Sleep(ctx, math.MaxInt64) }()
		await(t, c, 1)
		c.Advance(1000 * time.Hour)
		if n := c.Sleepers(); n != 1 {
			t.Errorf("Sleepers = %d, want 1", n)
		}
		cancel()
		<-done
	})
}

func TestAwaitSleepersEndsWithCause(t *testing.T) {
	c := clocktest.New(noon)
	cause := errors.New("giving up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := c.AwaitSleepers(ctx, 0); err != nil {
		t.Errorf("AwaitSleepers(0) = %v", err)
	}
	if err := c.AwaitSleepers(ctx, 1); err != cause {
		t.Errorf("AwaitSleepers(1) = %v, want the cause", err)
	}
}

// For the race detector: all methods concurrently.
func TestConcurrentUse(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		const sleepers = 20
		c := clocktest.New(noon)
		var wg sync.WaitGroup
		for i := range sleepers {
			wg.Go(func() {
				if err := c.Sleep(t.Context(), time.Duration(i+1)*time.Second); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() { c.Set(c.Now()) })
		wg.Go(func() { c.Suspend(0) })
		await(t, c, sleepers)
		for range 4 {
			wg.Go(func() { c.Advance(sleepers / 4 * time.Second) })
		}
		wg.Wait()
		if n := c.Sleepers(); n != 0 {
			t.Errorf("Sleepers = %d, want 0", n)
		}
	})
}

func ExampleClock() {
	clock := clocktest.New(time.Date(2025, 7, 10, 23, 59, 0, 0, time.UTC))
	ctx := context.Background()
	done := make(chan struct{})
	go func() { // what is to be tested: it waits for midnight
		defer close(done)
		if clock.Sleep(ctx, time.Minute) == nil {
			fmt.Println("midnight:", clock.Now().Format(time.DateTime))
		}
	}()

	clock.AwaitSleepers(ctx, 1)
	clock.Advance(59 * time.Second)
	fmt.Println("asleep:  ", clock.Now().Format(time.DateTime))
	clock.Advance(time.Second)
	<-done
	// Output:
	// asleep:   2025-07-10 23:59:59
	// midnight: 2025-07-11 00:00:00
}
