package archive

import (
	"errors"
	"io"
	"slices"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
)

// Partial is an upload of which no source has all, and which is put back with the fetches
// that are whole: those in the object under a new id, those in a batch of a spool under that
// of the batch, which its Writer knows.
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
	daytext.Head        // what is known of it
	says         string // the id that stands in a head that is broken
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
func (p *Plan) addPartial(m *merge, d dayRead, count rotatelog.CountFunc) error {
	left := slices.DeleteFunc(d.partial, func(r remains) bool {
		_, waits := m.waiting[r.ID]
		isPartial := slices.ContainsFunc(p.Partial, func(q Partial) bool { return q.As == r.ID })
		return waits || m.has(r.ID) && !isPartial
	})
	if len(left) == 0 {
		return nil
	}
	s, err := d.texts.found(left, m)
	if err != nil {
		return err
	}
	for _, r := range left {
		var rest made
		err := d.texts.each(r, func(fetch []byte) {
			if !s.take(fetch) {
				rest.add(fetch, count)
			}
		})
		if err != nil {
			return err
		}
		if rest.fetches == 0 {
			continue
		}
		u := rest.upload(rotatelog.DayUpload{Sequence: int(r.Sequence), Timestamp: r.Timestamp}, m.has)
		if err := m.add("what is left of it in the object", u); err != nil {
			return err
		}
		p.Partial = append(p.Partial, Partial{Was: r.ID, As: u.ID, Fetches: u.FetchCount, Of: r.Fetches})
	}
	return nil
}

// found returns what other uploads have of the fetches that are left of some. An upload
// whose head is broken may be one that has been found.
func (t *texts) found(left []remains, m *merge) (stock, error) {
	s, says := stock{}, map[string]bool{}
	for _, r := range left {
		says[r.says] = true
		if err := t.each(r, s.want); err != nil {
			return nil, err
		}
	}
	if err := m.stock(s, nil); err != nil {
		return nil, err
	}
	for _, u := range m.keep {
		if says[u.ID] {
			if err := s.addUpload(u, false); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// each calls f with each fetch that is left of an upload.
func (t *texts) each(r remains, f func(fetch []byte)) error {
	for _, s := range r.fetches {
		fetch, err := t.bytes(s)
		if err != nil {
			return err
		}
		f(fetch)
	}
	return nil
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
