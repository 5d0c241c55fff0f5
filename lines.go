package rotatelog

import "sync"

// freeLines is memory for lines, that of others which are no longer needed. New
// memory costs several times as much as to copy a fetch of 1 MB into it.
type freeLines struct {
	mu    sync.Mutex // guards what follows
	lines [][]byte
	size  int // of all, in bytes
}

// mostFree bounds freeLines.size, which is kept for as long as there is a Writer.
const mostFree = 8 << 20

// take returns memory for a fetch of n bytes, nil if there is none, or if it would
// keep much more than the fetch takes.
func (f *freeLines) take(n int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.lines) - 1
	if last < 0 {
		return nil
	}
	line := f.lines[last]
	f.lines[last], f.lines = nil, f.lines[:last]
	f.size -= cap(line)
	if cap(line) > 4*n {
		return nil
	}
	return line[:0]
}

func (f *freeLines) put(line []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size+cap(line) <= mostFree {
		f.lines = append(f.lines, line)
		f.size += cap(line)
	}
}
