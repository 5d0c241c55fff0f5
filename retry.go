package rotatelog

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"time"
)

// The waits between attempts to upload: doubled from the least to the most, and
// each cut by up to half at random, so that Writers that failed together do not
// come back together.
const (
	leastBackoff = 100 * time.Millisecond
	mostBackoff  = 60 * time.Second
)

// backoff returns how long to wait after the given number of failures in a row.
// jitter returns some duration below the one given.
func backoff(failures int, jitter func(time.Duration) time.Duration) time.Duration {
	d := mostBackoff
	if shift := failures - 1; shift < 10 { // 100 ms << 10 is more than the most
		d = min(leastBackoff<<shift, mostBackoff)
	}
	return d/2 + jitter(d/2+1)
}

func randomJitter(d time.Duration) time.Duration { return rand.N(d) }

// permanent reports whether no retry will mend err.
func permanent(err error) bool {
	return errors.Is(err, ErrPermanent) || errors.Is(err, fs.ErrPermission)
}

// noSpace reports whether err says that a disk is full, or that its user has no
// more of it.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
