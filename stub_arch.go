package rotatelog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/rotatelog/internal/packed"
)

// Archive is a stub.
type Archive struct {
	Store        Store
	Name, Prefix string
	Location     *time.Location
}

// DayMetadata is a stub.
type DayMetadata struct {
	Totals
	Key          string
	Version      Version
	Size         int64
	Compression  Compression
	First, Last  string
	LastSequence int
	Owner        string
	Layout       string
	Known        bool
}

// ErrDamaged is a stub.
var ErrDamaged = errors.New("damaged")

// Key is a stub.
func (a Archive) Key(day Day, c Compression) string { return dayKey{day, c}.key(a.Prefix, a.Name) }

// Open is a stub.
func (a Archive) Open(ctx context.Context, day Day) (*DayReader, error) {
	var last error
	for _, c := range []Compression{Uncompressed, Zstd, Gzip} {
		o := dayKey{day, c}
		obj, err := a.Store.Stat(ctx, a.Key(day, c))
		if err != nil {
			last = err
			continue
		}
		r := &DayReader{a: a, o: o, obj: obj}
		d, ok := documentFromMeta(o, obj)
		r.meta = DayMetadata{Totals: d.totals, Key: a.Key(day, c), Version: obj.Version, Size: obj.Size, Compression: c, First: d.first, Last: d.last, LastSequence: d.lastSequence, Owner: obj.Meta[ownerKey], Known: ok}
		if ok {
			r.meta.Layout = []string{"foreign", "first", "last"}[d.layout()]
		}
		return r, nil
	}
	return nil, last
}

// DayReader is a stub.
type DayReader struct {
	a    Archive
	o    dayKey
	obj  Object
	meta DayMetadata
}

// Metadata is a stub.
func (r *DayReader) Metadata() DayMetadata { return r.meta }

// Text is a stub.
func (r *DayReader) Text(ctx context.Context) (io.ReadCloser, error) {
	in, err := r.a.Store.Read(ctx, r.meta.Key, r.obj.Version, 0, r.obj.Size)
	if err != nil || r.o.pack == Uncompressed {
		return in, err
	}
	return struct {
		io.Reader
		io.Closer
	}{packedText{packed.NewReader(r.o.pack.format(), in, r.obj.Size)}, in}, nil
}

type packedText struct{ r *packed.Reader }

func (p packedText) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if err == io.EOF {
		if _, end := packed.Format(0).Frame(nil, nil, packed.Checksum{}); end == nil {
			_ = end
		}
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}
