package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/stream"
)

// Mem is a Store in memory, for tests. It is safe for concurrent use.
type Mem struct {
	mu      sync.Mutex
	writes  int // how many were applied; no two versions share a number
	objects map[string]memObject
}

// memObject is one version. Its data and meta are never changed, so that
// readers need no lock.
type memObject struct {
	version rotatelog.Version
	data    []byte
	meta    map[string]string
}

// NewMem returns an empty Store.
func NewMem() *Mem { return &Mem{objects: map[string]memObject{}} }

// Stat implements [rotatelog.Store].
func (m *Mem) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if err := context.Cause(ctx); err != nil {
		return rotatelog.Object{}, fail("stat", key, err)
	}
	o, ok := m.get(key)
	if !ok {
		return rotatelog.Object{}, fail("stat", key, fs.ErrNotExist)
	}
	return rotatelog.Object{Version: o.version, Size: int64(len(o.data)), Meta: maps.Clone(o.meta)}, nil
}

// Read implements [rotatelog.Store].
func (m *Mem) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, fail("read", key, err)
	}
	o, ok := m.get(key)
	if !ok || o.version != v {
		return nil, fail("read", key, rotatelog.ErrConflict)
	}
	size := int64(len(o.data))
	if n < 0 {
		n = size - off
	}
	if off < 0 || n < 0 || off > size-n {
		return nil, fail("read", key, fmt.Errorf("no %d bytes at %d: it has %d", n, off, size))
	}
	return io.NopCloser(bytes.NewReader(o.data[off : off+n])), nil
}

// Write implements [rotatelog.Store].
func (m *Mem) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	if err := context.Cause(ctx); err != nil {
		return fail("write", key, err)
	}
	parts, err := stream.Inline(ctx, parts)
	if err != nil {
		return fail("write", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.objects[key]
	if o.version != old {
		return fail("write", key, rotatelog.ErrConflict)
	}
	data, err := concat(o.data, parts)
	if err != nil {
		return fail("write", key, err)
	}
	m.put(key, data, maps.Clone(meta))
	return nil
}

// List implements [rotatelog.Lister].
func (m *Mem) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range m.Keys() {
			if err := context.Cause(ctx); err != nil {
				yield("", fail("list", prefix, err))
				return
			}
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

// Put makes an object of data and meta, whatever was there before, as another
// program would.
func (m *Mem) Put(key string, data []byte, meta map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, bytes.Clone(data), maps.Clone(meta))
}

// Delete removes the object at key, if there is one.
func (m *Mem) Delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
}

// Keys returns the keys of all objects, sorted.
func (m *Mem) Keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// Bytes returns a copy of the content of the object at key; nil if there is none.
func (m *Mem) Bytes(key string) []byte {
	o, ok := m.get(key)
	if !ok {
		return nil
	}
	return append([]byte{}, o.data...)
}

func (m *Mem) get(key string) (memObject, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	return o, ok
}

// put is called with mu held, and keeps data and meta.
func (m *Mem) put(key string, data []byte, meta map[string]string) {
	m.writes++
	m.objects[key] = memObject{rotatelog.Version(strconv.Itoa(m.writes)), data, meta}
}

func concat(old []byte, parts []rotatelog.Part) ([]byte, error) {
	size := int64(len(old))
	data := []byte{}
	for i, p := range parts {
		switch {
		case p.Data != nil:
			data = append(data, p.Data...)
		case p.Off < 0 || p.Len < 0 || p.Off > size-p.Len:
			return nil, fmt.Errorf("part %d copies %d bytes at %d: the old version has %d", i, p.Len, p.Off, size)
		default:
			data = append(data, old[p.Off:p.Off+p.Len]...)
		}
	}
	return data, nil
}

func fail(op, key string, err error) error {
	return &rotatelog.Error{Op: op, Key: key, Err: err}
}
