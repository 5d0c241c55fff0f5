// Package clocktest has a clock that tests move by hand.
package clocktest

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// Clock is a rotatelog.Clock that moves only when a test moves it. As in a real
// machine there are two times: the wall clock, which Now returns and which may jump,
// and the time that passes, which Sleep measures. It is safe for concurrent use.
//
// The usual test has one goroutine under test that sleeps and works in turn:
//
//	clock := clocktest.New(time.Date(2025, 7, 10, 23, 59, 0, 0, newYork))
//	go run(clock)                  // sleeps until midnight, works, sleeps again
//	clock.AwaitSleepers(ctx, 1)    // it sleeps
//	clock.Advance(time.Minute)     // it wakes
//	clock.AwaitSleepers(ctx, 1)    // it has done its work, and sleeps again
//
// In a [testing/synctest] bubble, make the Clock inside the bubble and set
// Settle to synctest.Wait; then Advance alone does all of that.
type Clock struct {
	// Settle, if not nil, is called by Advance at the start and after each wake-up,
	// and must return once all goroutines have done what they had to do at that
	// moment. It must be set before the Clock is used, and must not call Advance.
	Settle func()

	advancing sync.Mutex // held for all of an Advance

	mu       sync.Mutex // guards what follows
	wall     time.Time
	passed   time.Duration // since New
	sleepers []*sleeper    // by wake-up time, then by arrival
	changed  chan struct{} // closed and replaced when a sleeper arrives
}

type sleeper struct {
	until time.Duration // on the scale of Clock.passed
	wake  chan struct{} // closed by Advance
	left  chan struct{} // closed when Sleep returns
}

// New returns a Clock at t, whose times are in t's zone.
func New(t time.Time) *Clock {
	return &Clock{wall: t.Round(0), changed: make(chan struct{})}
}

// Now returns the wall-clock time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

// Sleep returns nil when d has passed, or the cause of ctx's end if that comes
// first. A d that is not positive returns at once.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	s := c.arrive(d)
	defer close(s.left)
	select {
	case <-s.wake:
		return nil
	case <-ctx.Done():
		if c.leave(s) {
			return context.Cause(ctx)
		}
		return nil // d had passed before
	}
}

// Advance lets d pass. Sleepers whose time comes meanwhile wake one by one, in
// the order of their times, those of the same time in the order in which they
// went to sleep. When a sleeper wakes, Now is exactly the time it slept until,
// and stays so until its Sleep has returned and Settle has been called.
//
// Without Settle, what a goroutine does after its Sleep runs alongside the rest
// of Advance: to see each turn of a loop, advance by one turn at a time, with
// AwaitSleepers between. With Settle, a goroutine that sleeps again is woken
// again, as often as fits into d.
//
// Advance panics if d is negative: time does not run backwards, though the wall
// clock may; see Set.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		panic("clocktest: Advance by a negative duration; Set steps the wall clock back")
	}
	c.advancing.Lock()
	defer c.advancing.Unlock()
	c.mu.Lock()
	end := c.passed + d
	c.mu.Unlock()
	c.settle()
	for s := c.wakeNext(end); s != nil; s = c.wakeNext(end) {
		<-s.left
		c.settle()
	}
}

// Set steps the wall clock to t, forward or back, as a person or NTP does. No
// time passes, so no sleeper wakes.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = t.Round(0)
}

// Suspend puts the machine to sleep for d: the wall clock continues, but the time
// that Sleep measures does not, so all sleepers wake d later than otherwise.
func (c *Clock) Suspend(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// Sleepers returns how many goroutines are asleep.
func (c *Clock) Sleepers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sleepers)
}

// AwaitSleepers returns nil once at least n goroutines sleep, or the cause of
// ctx's end if that comes first.
func (c *Clock) AwaitSleepers(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		enough, changed := len(c.sleepers) >= n, c.changed
		c.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *Clock) settle() {
	if c.Settle != nil {
		c.Settle()
	}
}

func (c *Clock) arrive(d time.Duration) *sleeper {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := c.passed + min(d, math.MaxInt64-c.passed)
	s := &sleeper{until: until, wake: make(chan struct{}), left: make(chan struct{})}
	i := slices.IndexFunc(c.sleepers, func(other *sleeper) bool { return other.until > s.until })
	if i < 0 {
		i = len(c.sleepers)
	}
	c.sleepers = slices.Insert(c.sleepers, i, s)
	close(c.changed)
	c.changed = make(chan struct{})
	return s
}

// leave removes s, and reports whether it was still asleep.
func (c *Clock) leave(s *sleeper) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.sleepers, s)
	if i < 0 {
		return false
	}
	c.sleepers = slices.Delete(c.sleepers, i, i+1)
	return true
}

// wakeNext lets time pass until the next sleeper wakes, and returns that, or
// until end.
func (c *Clock) wakeNext(end time.Duration) *sleeper {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sleepers) == 0 || c.sleepers[0].until > end {
		c.pass(end)
		return nil
	}
	s := c.sleepers[0]
	c.sleepers = slices.Delete(c.sleepers, 0, 1)
	c.pass(s.until)
	close(s.wake)
	return s
}

// pass is called with mu held.
func (c *Clock) pass(until time.Duration) {
	c.wall = c.wall.Add(until - c.passed)
	c.passed = until
}
