package archive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/rawjson"
)

// Partial is an upload of the object of which no source has all, and which is put back
// with the fetches that are whole, under a new id.
type Partial struct {
	Was     string // its upload_id; "" if that cannot be read
	As      string // its upload_id now
	Fetches int
	Of      int // how many it had; 0 if that is not known
}

// fetchSpan is where a fetch is in the text of a day.
type fetchSpan struct{ off, n int64 }

// remains are the fetches of an upload that is not whole.
type remains struct {
	daytext.Head // what is known of it
	fetches      []fetchSpan
	certain      bool // something is known to be broken, and it is none of the fetches
}

// keep keeps a line that is a fetch, if it is whole. Its end may be wrong.
func (c *check) keep(r *remains, line []byte, at int64) {
	if c.partial == nil {
		return
	}
	for _, last := range []bool{true, false} {
		fetch, end := daytext.CutFetch(line, last)
		if _, err := c.examiner.first.CheckObject(fetch, 0); end != daytext.Broken && err == nil {
			r.fetches = append(r.fetches, fetchSpan{at, int64(len(fetch))})
			return
		}
	}
}

// leave calls partial with what is left of an upload.
func (c *check) leave(r *remains) {
	if c.partial != nil && r != nil && r.certain && len(r.fetches) > 0 {
		c.partial(*r)
	}
}

// addPartial puts back what is left of uploads that no source has whole.
func (p *Plan) addPartial(m *merge, d dayRead, pending []rotatelog.SpoolBatch, count rotatelog.CountFunc) error {
	left := slices.DeleteFunc(d.partial, func(r remains) bool {
		return m.has(r.ID) || slices.ContainsFunc(pending, func(b rotatelog.SpoolBatch) bool { return b.ID == r.ID })
	})
	if len(left) == 0 {
		return nil
	}
	// An upload whose head is broken may be one that has been found.
	found := map[[sha256.Size]byte]bool{}
	remember := func(fetch []byte) { found[sha256.Sum256(fetch)] = true }
	for _, b := range m.back {
		if err := eachFetch(b.DayUpload, remember); err != nil {
			return err
		}
	}
	for _, b := range pending {
		if err := eachFetch(b.DayUpload, remember); err != nil {
			return err
		}
	}
	for _, r := range left {
		u, err := d.texts.upload(r, found, count)
		if err != nil {
			return err
		}
		if u.FetchCount > 0 && !m.has(u.ID) {
			m.add("what is left of it in the object", u)
			p.Partial = append(p.Partial, Partial{Was: r.ID, As: u.ID, Fetches: u.FetchCount, Of: r.Fetches})
		}
	}
	if len(p.Partial) == 0 {
		return nil
	}
	return p.checkRule(d.whole, count)
}

// checkRule finds out whether a rule counts what the uploads of the day that are whole
// count.
func (p *Plan) checkRule(whole []rotatelog.DayUpload, count rotatelog.CountFunc) error {
	for _, u := range whole {
		var matches int64
		err := eachFetch(u, func(fetch []byte) { matches = addClamped(matches, countOf(count, fetch)) })
		if err != nil {
			return err
		}
		if matches != u.Matches {
			p.Uncounted = true
		}
	}
	return nil
}

// countOf counts as a Writer does: what cannot be counted counts 0.
func countOf(count rotatelog.CountFunc, fetch []byte) int64 {
	n, err := count(fetch)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// eachFetch calls f with each fetch of an upload.
func eachFetch(u rotatelog.DayUpload, f func(fetch []byte)) error {
	if u.FetchCount == 0 {
		return nil
	}
	text, err := u.Open()
	if err != nil {
		return err
	}
	defer text.Close()
	_, err = rawjson.ReadArray(inArray(text), func(fetch []byte, _ int64) error {
		f(fetch)
		return nil
	})
	return err
}

// upload returns what is left of an upload, without the fetches that were found
// elsewhere.
func (t *texts) upload(r remains, found map[[sha256.Size]byte]bool, count rotatelog.CountFunc) (u rotatelog.DayUpload, err error) {
	var text bytes.Buffer
	var matches int64
	h := daytext.Head{Timestamp: r.Timestamp}
	for _, s := range r.fetches {
		fetch, err := t.bytes(s)
		if err != nil {
			return u, err
		}
		if found[sha256.Sum256(fetch)] {
			continue
		}
		if h.Fetches++; h.Fetches > 1 {
			text.WriteString(daytext.Separator)
		}
		text.Write(fetch)
		matches = addClamped(matches, countOf(count, fetch))
	}
	sum := sha256.New()
	sum.Write(text.Bytes())
	h.Matches, h.ID = matches, fmt.Sprintf("%x%d", sum.Sum(nil)[:12], r.Sequence)
	data := text.Bytes()
	return rotatelog.DayUpload{Sequence: int(r.Sequence), Timestamp: h.Timestamp, Matches: h.Matches, FetchCount: h.Fetches, ID: h.ID, SHA256: h.Checksum(sum),
		Size: int64(len(data)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}, nil
}

// bytes reads a fetch.
func (t *texts) bytes(s fetchSpan) ([]byte, error) {
	r, err := t.open(s.off, s.n)()
	if err != nil {
		return nil, err
	}
	b := make([]byte, s.n)
	_, err = io.ReadFull(r, b)
	return b, errors.Join(err, r.Close())
}
