package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog/internal/cutoff"
	"example.com/rotatelog/internal/rawjson"
)

// A Document is a daily document, as it is in a bucket, of any size and layout. It is
// read as a stream.
type Document struct {
	// Date is the day that it says it is of, once that was read.
	Date string

	r    io.Reader
	dec  *jsontext.Decoder
	max  int64
	read int64 // bytes
}

// The names of members by which a document is known, and in which its fetches are.
const (
	metadataName = "daily_metadata"
	uploadsName  = "uploads"
	fetchesName  = "fetch_data"
)

// NewDocument returns the document that r begins with. max is the size of its largest
// fetch.
func NewDocument(r io.Reader, max int64) *Document {
	d := &Document{r: r, max: max}
	d.dec = rawjson.NewDecoder(documentReader{d})
	return d
}

const mark = "\uFEFF" // a byte order mark

// maxSniffed is how much is looked at to tell a document: more are blanks only.
const maxSniffed = 16 << 10

// Sniff reports whether a daily document comes next in r, and returns a reader of all that
// r holds, but for a byte order mark before a document. It reads no more of r than it needs
// for that.
func Sniff(r io.Reader) (is bool, all io.Reader) {
	var head []byte
	for chunk := make([]byte, 512); ; {
		n, err := r.Read(chunk)
		head = append(head, chunk[:n]...)
		is, more := isDocument(head)
		if is {
			head = bytes.TrimPrefix(head, []byte(mark))
		}
		if err != nil && err != io.EOF {
			return is, io.MultiReader(bytes.NewReader(head), broken{err})
		}
		if err == io.EOF || !more || len(head) > maxSniffed {
			return is, io.MultiReader(bytes.NewReader(head), r)
		}
	}
}

// IsDocument reports whether a JSON value is a daily document.
func IsDocument(value []byte) bool {
	is, _ := isDocument(value)
	return is
}

// isDocument reports whether head begins a daily document. more says that this is not
// known yet.
func isDocument(head []byte) (is, more bool) {
	const space = " \t\r\n"
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte(mark)), space)
	if len(head) == 0 || strings.HasPrefix(mark, string(head)) {
		return false, true
	}
	if head[0] != '{' {
		return false, false
	}
	head = bytes.TrimLeft(head[1:], space)
	for _, name := range []string{metadataName, uploadsName} {
		quoted := `"` + name + `"`
		if bytes.HasPrefix(head, []byte(quoted)) {
			return true, false
		}
		more = more || strings.HasPrefix(quoted, string(head))
	}
	return false, more
}

// Fetches returns the fetches of the document in their order. After an error there are no
// more. A fetch is good until the next step.
func (d *Document) Fetches() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		err := d.members(func(name string) error {
			switch name {
			case metadataName:
				return d.metadata()
			case uploadsName:
				return d.elements(func() error { return d.upload(yield) })
			}
			return d.dec.SkipValue()
		})
		if err != nil && err != errStopped {
			yield(nil, d.damaged(err))
		}
	}
}

var (
	errStopped  = errors.New("stopped")
	errTooLarge = errors.New("a fetch is too large")
)

// damaged returns the error of a document of which no more can be read.
func (d *Document) damaged(err error) error {
	err = d.reason(err)
	if err == io.ErrUnexpectedEOF {
		return cutoff.Errorf("a daily document, cut off %d bytes into it", d.dec.InputOffset())
	}
	return fmt.Errorf("a daily document, damaged %d bytes into it: %w", d.dec.InputOffset(), err)
}

// reason returns an error of the decoder without what is only about that.
func (d *Document) reason(err error) error {
	if errors.Is(err, errTooLarge) {
		return fmt.Errorf("%w: over %d bytes", errTooLarge, d.max)
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = e.Err
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (d *Document) metadata() error {
	value, err := d.dec.ReadValue()
	if err != nil {
		return err
	}
	if date, err := rawjson.Lookup(value, "date"); err == nil && date != nil {
		d.Date, _ = rawjson.Unquote(date)
	}
	return nil
}

func (d *Document) upload(yield func([]byte, error) bool) error {
	return d.members(func(name string) error {
		if name != fetchesName {
			return d.dec.SkipValue()
		}
		return d.elements(func() error {
			fetch, err := d.dec.ReadValue()
			if err == nil && !yield(fetch, nil) {
				err = errStopped
			}
			return err
		})
	})
}

// members calls each for every member of the object that comes next, to read its value.
func (d *Document) members(each func(name string) error) error {
	return d.within('{', '}', func() error {
		name, err := d.dec.ReadToken()
		if err != nil {
			return err
		}
		return each(name.String())
	})
}

// elements calls each for every element of the array that comes next, to read it.
func (d *Document) elements(each func() error) error { return d.within('[', ']', each) }

func (d *Document) within(open, end jsontext.Kind, each func() error) error {
	token, err := d.dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != open {
		return fmt.Errorf("there is %v where %v should be", token.Kind(), open)
	}
	for d.dec.PeekKind() != end {
		if err := each(); err != nil {
			return err
		}
	}
	_, err = d.dec.ReadToken()
	return err
}

// Rest returns what follows the document, once that was read.
func (d *Document) Rest() io.Reader {
	return io.MultiReader(bytes.NewReader(bytes.Clone(d.dec.UnreadBuffer())), d.r)
}

// documentReader is what the decoder reads from: no more than the largest fetch is held.
type documentReader struct{ d *Document }

func (r documentReader) Read(p []byte) (int, error) {
	if r.d.read-r.d.dec.InputOffset() > r.d.max {
		return 0, errTooLarge
	}
	n, err := r.d.r.Read(p)
	r.d.read += int64(n)
	return n, err
}
