package rotatelog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"sync/atomic"

	"example.com/rotatelog/internal/packed"
)

// Archive is the days of a stream in a Store. It is safe for concurrent use.
type Archive struct {
	Store Store
	// Name is the name of the stream: "all_api" unless set.
	Name string
	// Prefix begins the key of every object: "{Name}_rotating_logs/" unless set.
	Prefix string
	// ReadOptions say how days are read.
	ReadOptions
}

// Key returns the key of a day's object that is compressed so.
func (a Archive) Key(day Day, compression Compression) string {
	return dayKey{day, compression}.key(a.prefix(), a.name())
}

// name returns the name of the stream, and prefix what its keys begin with.
func (a Archive) name() string   { return cmp.Or(a.Name, defaultName) }
func (a Archive) prefix() string { return cmp.Or(a.Prefix, a.name()+"_rotating_logs/") }

// Open opens the object of a day, however it is compressed. Its error matches
// [fs.ErrNotExist] if there is none.
func (a Archive) Open(ctx context.Context, day Day) (*DayReader, error) {
	return a.openForm(ctx, day, Uncompressed)
}

// Stat returns what Open and Metadata return. It takes a request for each form that the
// object could have, up to the one that it has.
func (a Archive) Stat(ctx context.Context, day Day) (DayMetadata, error) {
	return a.stat(ctx, day, Uncompressed)
}

func (a Archive) stat(ctx context.Context, day Day, likely Compression) (DayMetadata, error) {
	d, err := a.openForm(ctx, day, likely)
	if err != nil {
		return DayMetadata{Key: a.Key(day, likely), Totals: Totals{Day: day}, Compression: likely}, err
	}
	return d.Metadata(), nil
}

// openForm opens the object of a day, and asks for the likely form of it first.
func (a Archive) openForm(ctx context.Context, day Day, likely Compression) (*DayReader, error) {
	var none error
	for _, c := range formsFrom(likely) {
		d, err := OpenDay(ctx, a.Store, a.Key(day, c), a.ReadOptions)
		if !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
		if none == nil {
			none = err
		}
	}
	return nil, none
}

// formsFrom returns all compressions, the likely one first.
func formsFrom(likely Compression) []Compression {
	forms := []Compression{likely}
	for _, c := range []Compression{Uncompressed, Zstd, Gzip} {
		if c != likely {
			forms = append(forms, c)
		}
	}
	return forms
}

// statsAtOnce is how many days are asked for at the same time.
const statsAtOnce = 16

// Days returns what is known of each day that has an object, from one day to another, both
// included, in their order. If the Store is a [Lister] it lists them, takes one request for
// each object, and yields a day that has several objects once for each; the zero Day as
// from or to is then no limit. Otherwise it asks for each day, first in the form of the day
// before, and for the other forms only if there is none in that.
//
// A day about which nothing can be found out yields an error, and its key and day; the days
// after it follow. If there can be no more days, since ctx is done or listing has failed,
// an error is the last that is yielded.
func (a Archive) Days(ctx context.Context, from, to Day) iter.Seq2[DayMetadata, error] {
	return func(yield func(DayMetadata, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(context.Canceled)
		asks, listed := a.asks(ctx, from, to)
		for m, err := range inOrder(asks, statsAtOnce) {
			if ctx.Err() != nil {
				yield(m, context.Cause(ctx))
				return
			}
			if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile, or not a day of the stream
				continue
			}
			if !yield(m, err) {
				cancel(context.Canceled) // what has been asked for is waited for
				return
			}
		}
		if err := *listed; err != nil {
			yield(DayMetadata{}, err)
		}
	}
}

// ask finds out what is known of a day.
type ask func() (DayMetadata, error)

// asks returns what is to be asked for. The error is there when all of that was returned.
func (a Archive) asks(ctx context.Context, from, to Day) (iter.Seq[ask], *error) {
	failed := new(error)
	if l, ok := a.Store.(Lister); ok {
		return a.listed(ctx, l, from, to, failed), failed
	}
	return a.unlisted(ctx, from, to, failed), failed
}

// unlisted returns asks for each day.
func (a Archive) unlisted(ctx context.Context, from, to Day, failed *error) iter.Seq[ask] {
	if from.IsZero() || to.IsZero() {
		*failed = errors.New("rotatelog: the Store cannot list: name the first day and the last")
		return func(func(ask) bool) {}
	}
	var likely atomic.Int64 // the form of the last day found
	return func(yield func(ask) bool) {
		for day := from; day.Compare(to) <= 0; day = day.Next() {
			ok := yield(func() (DayMetadata, error) {
				m, err := a.stat(ctx, day, Compression(likely.Load()))
				if err == nil {
					likely.Store(int64(m.Compression))
				}
				return m, err
			})
			if !ok {
				return
			}
		}
	}
}

// listed returns asks for the objects that the Store lists. The order of the keys is that
// of the days.
func (a Archive) listed(ctx context.Context, l Lister, from, to Day, failed *error) iter.Seq[ask] {
	return func(yield func(ask) bool) {
		stream := a.prefix() + a.name()
		for key, err := range l.List(ctx, stream+keyMiddle) {
			if errors.Is(err, errors.ErrUnsupported) { // a wrapper of a Store that cannot
				a.unlisted(ctx, from, to, failed)(yield)
				return
			}
			if err != nil {
				*failed = storeError("list", stream, err)
				return
			}
			of, o, ok := parseKey(key)
			if !ok || of != stream || o.day.Compare(from) < 0 && !from.IsZero() || o.day.Compare(to) > 0 && !to.IsZero() {
				continue
			}
			if !yield(func() (DayMetadata, error) {
				d, err := OpenDay(ctx, a.Store, key, a.ReadOptions)
				if err != nil {
					return DayMetadata{Key: key, Totals: Totals{Day: o.day}, Compression: o.pack}, err
				}
				return d.Metadata(), nil
			}) {
				return
			}
		}
	}
}

// inOrder returns the answers in the order of the questions, and asks up to n at
// the same time. All have been answered when it ends.
func inOrder(asks iter.Seq[ask], n int) iter.Seq2[DayMetadata, error] {
	type answer struct {
		m   DayMetadata
		err error
	}
	return func(yield func(DayMetadata, error) bool) {
		var waiting []chan answer
		defer func() {
			for _, c := range waiting {
				<-c
			}
		}()
		first := func() bool {
			got := <-waiting[0]
			waiting = slices.Delete(waiting, 0, 1)
			return yield(got.m, got.err)
		}
		for ask := range asks {
			if len(waiting) == n && !first() {
				return
			}
			c := make(chan answer, 1)
			waiting = append(waiting, c)
			go func() {
				m, err := ask()
				c <- answer{m, err}
			}()
		}
		for len(waiting) > 0 {
			if !first() {
				return
			}
		}
	}
}

// DayText is the text of a day's object, whatever is in it: that of a good day is one JSON
// document.
type DayText struct {
	dayObject
	object Object
}

// Text finds the object of a day, without reading it. Its error matches
// [fs.ErrNotExist] if there is none.
func (a Archive) Text(ctx context.Context, day Day) (*DayText, error) {
	opts, err := a.ReadOptions.checked()
	if err != nil {
		return nil, fmt.Errorf("rotatelog: %w", err)
	}
	var none error
	for _, c := range formsFrom(Uncompressed) {
		o := dayObject{a.Store, a.Key(day, c), dayKey{day, c}, opts}
		obj, err := o.stat(ctx)
		if err == nil {
			return &DayText{o, obj}, nil
		}
		if err = storeError("open", o.key, err); !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		none = cmp.Or(none, err)
	}
	return nil, none
}

// Metadata returns what the metadata beside the object says. known is false if that is
// lost, or is not of an object of this size: then only the Key, the Version, the Size, the
// Compression, the Owner and the day are filled in.
func (t *DayText) Metadata() (m DayMetadata, known bool) {
	d := DayReader{dayObject: t.dayObject, object: t.object}
	d.doc, known = documentFromMeta(t.day, t.object)
	if !known {
		d.doc.totals.Day = t.day.day
	}
	return d.Metadata(), known
}

// Open returns the text from its beginning, decompressed. A connection that breaks is
// replaced by another. If the object does not decompress, or not to what its checksum
// says, the error of the last read matches [ErrDamaged]; if it was replaced meanwhile, it
// matches [ErrConflict].
func (t *DayText) Open(ctx context.Context) io.ReadCloser {
	r := t.read(ctx, t.object.Version, 0, t.object.Size)
	if t.day.pack == Uncompressed {
		return plainText{r}
	}
	return &packedText{raw: r, r: packed.NewReader(t.day.pack.format(), r, t.object.Size), format: t.day.pack.format()}
}

type plainText struct{ *versionReader }

// Close implements io.Closer.
func (t plainText) Close() error {
	t.close()
	return nil
}

// packedText is the text of a compressed object.
type packedText struct {
	raw    *versionReader
	r      *packed.Reader
	format packed.Format
}

// Read implements io.Reader.
func (t *packedText) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	switch {
	case err == nil:
		return n, nil
	case t.raw.isBroken():
		return n, t.raw.err
	case err != io.EOF:
		return n, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if _, end := t.format.Frame(t.r.Head, t.r.Tail, t.r.Entries); !bytes.Equal(end, t.r.End) {
		return n, fmt.Errorf("%w: its checksum is wrong", errDamaged)
	}
	return n, io.EOF
}

// Close implements io.Closer.
func (t *packedText) Close() error {
	t.raw.close()
	return nil
}
