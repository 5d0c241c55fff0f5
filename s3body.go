package rotatelog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// assemble returns the concatenation of parts. The bytes that they copy come
// from memory if this S3Store wrote the old version, and else from the server,
// with as few requests as make sense.
func (s *S3Store) assemble(ctx context.Context, key string, old Version, parts []Part) ([]byte, error) {
	total, copied, err := measure(parts)
	if err != nil {
		return nil, err
	}
	src := &oldBody{runs: planRuns(parts)}
	if old == "" && copied > 0 {
		return nil, errors.New("cannot copy from the old version: there must be none")
	}
	if old != "" && copied >= 0 {
		if err := src.open(ctx, s, key, old, copied); err != nil {
			return nil, err
		}
		defer src.close()
	}
	body := make([]byte, 0, total)
	for _, p := range parts {
		if p.Data != nil {
			body = append(body, p.Data...)
			continue
		}
		n := len(body)
		body = body[:n+int(p.Len)]
		if err := src.read(body[n:], p.Off); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// measure returns how many bytes parts have together, and where the last byte
// ends that they copy; -1: they copy nothing.
func measure(parts []Part) (total, copied int64, err error) {
	copied = -1
	for _, p := range parts {
		size := p.Size()
		if size < 0 || p.Data == nil && p.Off < 0 {
			return 0, 0, fmt.Errorf("cannot copy %d bytes at %d", p.Len, p.Off)
		}
		if size > maxPut-total || p.Data == nil && p.Off > maxPut {
			return 0, 0, fmt.Errorf("%w: the object would have more than %d bytes, the most that one PutObject may send", ErrPermanent, int64(maxPut))
		}
		total += size
		if p.Data == nil {
			copied = max(copied, p.Off+p.Len)
		}
	}
	return total, copied, nil
}

// A run is a range of the old version that is read with one request.
type run struct{ off, end int64 }

// runGap is how many bytes between two copies are cheaper to read in vain than
// another request is.
const runGap = 64 << 10

// planRuns returns the runs that the copies among parts are read from, in the
// order of parts.
func planRuns(parts []Part) []run {
	var runs []run
	for _, p := range parts {
		if p.Data != nil || p.Len == 0 {
			continue
		}
		if n := len(runs) - 1; n >= 0 && p.Off >= runs[n].end && p.Off-runs[n].end <= runGap {
			runs[n].end = p.Off + p.Len
		} else {
			runs = append(runs, run{p.Off, p.Off + p.Len})
		}
	}
	return runs
}

// oldBody is the old version of an object, for reading what is copied from it:
// all of it in memory, or run after run.
type oldBody struct {
	memory []byte

	openRun func(run) (io.ReadCloser, int64, error) // the run, and the size of all
	runs    []run                                   // not yet opened
	cur     run
	at      int64 // where reader stands
	reader  io.ReadCloser
}

// open opens the first run, and makes sure that the version has copied bytes.
func (b *oldBody) open(ctx context.Context, s *S3Store, key string, old Version, copied int64) error {
	var size int64
	if body, ok := s.bodies.get(key, old); ok {
		b.memory, size = body, int64(len(body))
	} else {
		b.openRun = func(r run) (io.ReadCloser, int64, error) { return s.read(ctx, key, old, r.off, r.end-r.off) }
		if len(b.runs) == 0 { // only empty copies
			b.runs = []run{{}}
		}
		var err error
		if size, err = b.next(); err != nil {
			return err
		}
	}
	if copied > size {
		b.close()
		return fmt.Errorf("cannot copy up to byte %d of the old version: it has %d", copied, size)
	}
	return nil
}

func (b *oldBody) close() {
	if b.reader != nil {
		b.reader.Close()
	}
}

// next opens the next run, and returns the size of the version.
func (b *oldBody) next() (size int64, err error) {
	b.close()
	b.cur, b.runs = b.runs[0], b.runs[1:]
	b.at = b.cur.off
	b.reader, size, err = b.openRun(b.cur)
	return size, err
}

// read fills p from off on. The ranges must come in the order that was planned.
func (b *oldBody) read(p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	if b.openRun == nil {
		copy(p, b.memory[off:])
		return nil
	}
	if off < b.at || off+int64(len(p)) > b.cur.end {
		if _, err := b.next(); err != nil {
			return err
		}
	}
	if _, err := io.CopyN(io.Discard, b.reader, off-b.at); err != nil {
		return noEOF(err)
	}
	if _, err := io.ReadFull(b.reader, p); err != nil {
		return noEOF(err)
	}
	b.at = off + int64(len(p))
	return nil
}

// bodyCache holds the bodies that were written last, so that an append to a
// small object need not read it.
type bodyCache struct {
	mu     sync.Mutex
	bodies []cachedBody // the newest last
}

type cachedBody struct {
	key     string
	version Version
	body    []byte
}

const (
	maxCached     = 4       // bodies
	maxCachedBody = 5 << 20 // bytes of each
)

func (c *bodyCache) get(key string, v Version) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.bodies {
		if b.key == key && b.version == v {
			return b.body, true
		}
	}
	return nil, false
}

// put remembers body, which must not be changed any more, and forgets the body
// that key had before.
func (c *bodyCache) put(key string, v Version, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies = slices.DeleteFunc(c.bodies, func(b cachedBody) bool { return b.key == key })
	if v == "" || len(body) > maxCachedBody {
		return
	}
	if len(c.bodies) == maxCached {
		c.bodies = slices.Delete(c.bodies, 0, 1)
	}
	c.bodies = append(c.bodies, cachedBody{key, v, body})
}
