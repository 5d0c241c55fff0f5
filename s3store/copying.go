package s3store

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// errNotCopied means that the server does not copy parts.
var errNotCopied = errors.New("the server does not copy parts of an object")

// notCopied makes errNotCopied of the answer of a server that does not support
// multipart uploads, or copying.
func notCopied(err error) error {
	if isNotTaken(err) {
		return fmt.Errorf("%w: %w", errNotCopied, err)
	}
	return err
}

// copying records whether the server copies parts. The server is asked to again
// after a while, since a proxy may have answered in its place.
type copying struct {
	mu       sync.Mutex // guards what follows
	failures int        // in a row
	last     time.Time  // of these
}

const (
	maxNotCopied = 3         // in a row, after which it is not asked
	notCopying   = time.Hour // for that long
)

func (c *copying) allowed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failures < maxNotCopied || time.Since(c.last).Abs() >= notCopying
}

// record saves how an upload with copies ended.
func (c *copying) record(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		c.failures = 0
	case errors.Is(err, errNotCopied):
		c.failures, c.last = c.failures+1, time.Now()
	}
}
