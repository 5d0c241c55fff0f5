package bench

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strconv"
	"sync"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/stream"
)

// Rope is a Store in which a copy costs nothing: an object is a list of pieces
// of one file. A Writer builds a day of gigabytes in it in the time that new bytes
// take.
type Rope struct {
	file *os.File

	mu      sync.Mutex // guards what follows
	size    int64      // of file
	writes  int
	objects map[string]ropeObject
}

type ropeObject struct {
	version rotatelog.Version
	pieces  []piece
	size    int64
	meta    map[string]string
}

// piece is n bytes at off of the file.
type piece struct{ off, n int64 }

// NewRope returns a Rope that keeps its bytes in a new file in dir.
func NewRope(dir string) (*Rope, error) {
	f, err := os.CreateTemp(dir, "rope")
	if err != nil {
		return nil, err
	}
	return &Rope{file: f, objects: map[string]ropeObject{}}, nil
}

// Close removes the file.
func (r *Rope) Close() error {
	r.file.Close()
	return os.Remove(r.file.Name())
}

// SingleWriter makes objects carry their owner, as in a bucket.
func (r *Rope) SingleWriter() bool { return true }

// Stat implements [rotatelog.Store].
func (r *Rope) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	o, err := r.get(ctx, key)
	if err == nil && o.version == "" {
		err = fs.ErrNotExist
	}
	return rotatelog.Object{Version: o.version, Size: o.size, Meta: maps.Clone(o.meta)}, err
}

// Read implements [rotatelog.Store].
func (r *Rope) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	o, err := r.get(ctx, key)
	if err != nil {
		return nil, err
	}
	if o.version != v || v == "" {
		return nil, rotatelog.ErrConflict
	}
	if n < 0 {
		n = o.size - off
	}
	pieces, err := o.cut(off, n)
	if err != nil {
		return nil, err
	}
	var readers []io.Reader
	for _, p := range pieces {
		readers = append(readers, io.NewSectionReader(r.file, p.off, p.n))
	}
	return io.NopCloser(io.MultiReader(readers...)), nil
}

// Write implements [rotatelog.Store].
func (r *Rope) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	streamed, err := r.keepStreams(ctx, parts)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.objects[key]
	if o.version != old {
		return rotatelog.ErrConflict
	}
	r.writes++
	next := ropeObject{version: rotatelog.Version(strconv.Itoa(r.writes)), meta: maps.Clone(meta)}
	for i, p := range parts {
		if kept, ok := streamed[i]; ok {
			next.pieces, next.size = append(next.pieces, kept), next.size+kept.n
			continue
		}
		pieces, err := r.keep(o, p)
		if err != nil {
			return err
		}
		next.pieces = append(next.pieces, pieces...)
		next.size += p.Size()
	}
	r.objects[key] = next
	return nil
}

// keep returns the pieces of a part, where o is the old version. It is called
// with mu held.
func (r *Rope) keep(o ropeObject, p rotatelog.Part) ([]piece, error) {
	if p.Data == nil {
		return o.cut(p.Off, p.Len)
	}
	at := r.size
	if _, err := r.file.WriteAt(p.Data, at); err != nil {
		return nil, err
	}
	r.size += int64(len(p.Data))
	return []piece{{at, int64(len(p.Data))}}, nil
}

// keepStreams returns the pieces of the streams among parts, by index. It is called
// without mu, since a stream may read from the Rope.
func (r *Rope) keepStreams(ctx context.Context, parts []rotatelog.Part) (map[int]piece, error) {
	parts, done, err := stream.Once(parts)
	if err != nil {
		return nil, err
	}
	defer done()
	kept := map[int]piece{}
	for i, p := range parts {
		if p.Data != nil || p.Open == nil {
			continue
		}
		r.mu.Lock()
		kept[i] = piece{r.size, p.Len}
		r.size += p.Len
		r.mu.Unlock()
		if err := stream.Copy(ctx, io.NewOffsetWriter(r.file, kept[i].off), p); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func (r *Rope) get(ctx context.Context, key string) (ropeObject, error) {
	if err := context.Cause(ctx); err != nil {
		return ropeObject{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.objects[key], nil
}

// cut returns the pieces that n bytes at off consist of.
func (o ropeObject) cut(off, n int64) (pieces []piece, err error) {
	if off < 0 || n < 0 || off > o.size-n {
		return nil, fmt.Errorf("no %d bytes at %d: it has %d", n, off, o.size)
	}
	for _, p := range o.pieces {
		skip := min(off, p.n)
		take := min(n, p.n-skip)
		if take > 0 {
			pieces = append(pieces, piece{p.off + skip, take})
		}
		off, n = off-skip, n-take
	}
	return pieces, nil
}
