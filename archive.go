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
	var none error
	for _, c := range formsFrom(Uncompressed) {
		d, err := OpenDay(ctx, a.Store, a.Key(day, c), a.ReadOptions)
		if !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
		none = cmp.Or(none, err)
	}
	return nil, none
}

// Stat returns what Open and Metadata return. It takes a request for each form that the
// object could have, up to the one that it has.
func (a Archive) Stat(ctx context.Context, day Day) (DayMetadata, error) {
	d, err := a.Open(ctx, day)
	if err != nil {
		return DayMetadata{Key: a.Key(day, Uncompressed), Totals: Totals{Day: day}}, err
	}
	return d.Metadata(), nil
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
const statsAtOnce = 32

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
	return eachDay(ctx, a, from, to, func(ctx context.Context, t *DayText, err error) (DayMetadata, error) {
		var d *DayReader
		if err == nil {
			d, err = t.reader(ctx)
		}
		if err != nil {
			return DayMetadata{Key: t.key, Totals: Totals{Day: t.day.day}, Compression: t.day.pack}, err
		}
		return d.Metadata(), nil
	})
}

// Texts finds the objects of the days as Days does, without reading any: of an object whose
// own metadata is lost, Metadata then says that nothing is known.
func (a Archive) Texts(ctx context.Context, from, to Day) iter.Seq2[*DayText, error] {
	return eachDay(ctx, a, from, to, func(_ context.Context, t *DayText, err error) (*DayText, error) { return t, err })
}

// eachDay finds the objects of days, several at the same time, and yields what of makes of
// each, in their order. The zero T goes with an error that is of no day.
func eachDay[T any](ctx context.Context, a Archive, from, to Day, of func(context.Context, *DayText, error) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(context.Canceled)
		asks, listed := a.asks(ctx, from, to)
		for answer := range inOrder(asks, statsAtOnce, func(ask ask) dayAnswer[T] {
			found, err := ask()
			got, err := of(ctx, found, err)
			return dayAnswer[T]{got, err}
		}) {
			if ctx.Err() != nil {
				yield(answer.got, context.Cause(ctx))
				return
			}
			if errors.Is(answer.err, fs.ErrNotExist) { // deleted meanwhile, or not a day of the stream
				continue
			}
			if !yield(answer.got, answer.err) {
				cancel(context.Canceled) // what has been asked for is waited for
				return
			}
		}
		if err := *listed; err != nil {
			var none T
			yield(none, err)
		}
	}
}

// dayAnswer is what was found out about a day.
type dayAnswer[T any] struct {
	got T
	err error
}

// ask finds the object of a day. If there is an error, only the key and the day of the
// text are known.
type ask func() (*DayText, error)

// asks returns what is to be asked for. The error is there when all of that was returned.
func (a Archive) asks(ctx context.Context, from, to Day) (iter.Seq[ask], *error) {
	failed := new(error)
	opts, err := a.ReadOptions.checked()
	if err == nil && noStore(a.Store) {
		err = errors.New("Store is not set")
	}
	if err != nil {
		*failed = fmt.Errorf("rotatelog: %w", err)
		return func(func(ask) bool) {}, failed
	}
	a.ReadOptions = opts
	if l, ok := a.Store.(Lister); ok {
		return a.listed(ctx, l, from, to, failed), failed
	}
	return a.unlisted(ctx, from, to, failed), failed
}

// find finds the object of a day in one form.
func (a Archive) find(ctx context.Context, key string, day dayKey) (*DayText, error) {
	o := dayObject{a.Store, key, day, a.ReadOptions}
	obj, err := o.stat(ctx)
	if _, known := documentFromMeta(day, obj); !known && obj.Meta[cacheKey] != "" { // perhaps the size is that of another version
		obj, err = o.stat(ctx)
	}
	if err != nil {
		err = storeError("open", key, err)
	}
	return &DayText{o, obj}, err
}

// findLikely finds the object of a day, and asks for the likely form of it first.
func (a Archive) findLikely(ctx context.Context, day Day, likely Compression) (none *DayText, absent error) {
	for _, c := range formsFrom(likely) {
		t, err := a.find(ctx, a.Key(day, c), dayKey{day, c})
		if !errors.Is(err, fs.ErrNotExist) {
			return t, err
		}
		if absent == nil {
			none, absent = t, err
		}
	}
	return none, absent
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
			ok := yield(func() (*DayText, error) {
				t, err := a.findLikely(ctx, day, Compression(likely.Load()))
				if err == nil {
					likely.Store(int64(t.day.pack))
				}
				return t, err
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
		begin := stream + keyMiddle
		for key, err := range l.List(ctx, begin) {
			if errors.Is(err, errors.ErrUnsupported) { // a wrapper of a Store that cannot
				a.unlisted(ctx, from, to, failed)(yield)
				return
			}
			if err != nil {
				*failed = storeError("list", begin, err)
				return
			}
			of, o, ok := parseKey(key)
			if !ok || of != stream || o.day.Compare(from) < 0 && !from.IsZero() || o.day.Compare(to) > 0 && !to.IsZero() {
				continue
			}
			if !yield(func() (*DayText, error) { return a.find(ctx, key, o) }) {
				return
			}
		}
	}
}

// inOrder returns what answer makes of each question, in their order, and asks up to n at
// the same time. All have been answered when it ends.
func inOrder[Q, A any](asks iter.Seq[Q], n int, answer func(Q) A) iter.Seq[A] {
	return func(yield func(A) bool) {
		var waiting []chan A
		defer func() {
			for _, c := range waiting {
				<-c
			}
		}()
		first := func() bool {
			got := <-waiting[0]
			waiting = slices.Delete(waiting, 0, 1)
			return yield(got)
		}
		for ask := range asks {
			if len(waiting) == n && !first() {
				return
			}
			c := make(chan A, 1)
			waiting = append(waiting, c)
			go func() { c <- answer(ask) }()
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
	a.ReadOptions = opts
	t, err := a.findLikely(ctx, day, Uncompressed)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// reader returns a reader of the day.
func (t *DayText) reader(ctx context.Context) (*DayReader, error) {
	if doc, known := documentFromMeta(t.day, t.object); known {
		return &DayReader{t.dayObject, t.object, doc}, nil
	}
	return t.open(ctx)
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
// matches [ErrConflict]. Text that breaks off is no error: it is what is in the object.
func (t *DayText) Open(ctx context.Context) io.ReadCloser {
	r := t.read(ctx, t.object, 0, t.object.Size)
	if t.day.pack == Uncompressed {
		return &plainText{versionReader: r, end: t.end()}
	}
	return &packedText{raw: r, r: packed.NewReader(t.day.pack.format(), r, t.object.Size), format: t.day.pack.format()}
}

// end returns what the text of a good day ends with.
func (t *DayText) end() []byte {
	doc, known := documentFromMeta(t.day, t.object)
	if !known {
		return []byte("}")
	}
	_, end := doc.frame(doc.layout())
	return bytes.TrimSpace(end)
}

// plainText is the text of an object that is not compressed.
type plainText struct {
	*versionReader
	end  []byte // what it should end with
	last []byte // what it does end with
}

// Read implements io.Reader.
func (t *plainText) Read(p []byte) (int, error) {
	n, err := t.versionReader.Read(p)
	t.last = append(t.last, p[max(0, n-frameBytes):n]...)
	if more := len(t.last) - frameBytes; more > 0 {
		t.last = t.last[:copy(t.last, t.last[more:])]
	}
	if err != io.EOF || bytes.HasSuffix(bytes.TrimSpace(t.last), t.end) {
		return n, err
	}
	if replaced := t.damaged(errDamaged); !errors.Is(replaced, ErrDamaged) {
		t.err = replaced
	}
	t.end = nil
	return n, t.err
}

// Close implements io.Closer.
func (t *plainText) Close() error {
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
		return n, t.damaged(err)
	}
	if _, end := t.format.Frame(t.r.Head, t.r.Tail, t.r.Entries); !bytes.Equal(end, t.r.End) {
		return n, t.damaged(errors.New("its checksum is wrong"))
	}
	return n, io.EOF
}

func (t *packedText) damaged(err error) error {
	return t.raw.damaged(fmt.Errorf("%w: %w", errDamaged, err))
}

// Close implements io.Closer.
func (t *packedText) Close() error {
	t.raw.close()
	return nil
}
