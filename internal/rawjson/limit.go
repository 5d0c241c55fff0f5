package rawjson

import (
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Limit stands between a decoder and what it reads, and ends the text where a value, or
// white space, is so long that the decoder would hold too much of it.
type Limit struct {
	r    io.Reader
	dec  *jsontext.Decoder
	most int64 // bytes of the longest value; 0: any
	n    int64 // bytes that were read

	// Err says why nothing more is read: something is too long. The decoder's own error
	// does not always say it.
	Err error
}

// NewLimitedDecoder returns a NewDecoder of r for values of up to that many bytes, or of
// any length for 0.
func NewLimitedDecoder(r io.Reader, most int64) (*jsontext.Decoder, *Limit) {
	l := &Limit{r: r, most: most}
	l.dec = NewDecoder(l)
	return l.dec, l
}

// Read implements io.Reader.
func (l *Limit) Read(p []byte) (int, error) {
	if l.Err == nil && l.most > 0 && l.n-l.dec.InputOffset() > held(l.most) {
		l.Err = fmt.Errorf("a value in it, or white space, is longer than %d bytes, which MaxFetchBytes may allow", l.most)
	}
	if l.Err != nil {
		return 0, l.Err
	}
	n, err := l.r.Read(p)
	l.n += int64(n)
	return n, err
}

// held returns how many bytes a decoder may hold to read a value of that many: it reads
// ahead, and then doubles its buffer.
func held(value int64) int64 { return 3*value + 4<<10 }
