package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/daytext"
)

// loose is an upload of which only those fetches count that no other upload has: the
// unfinished batch of a spool, which may have been sealed and uploaded since, or one that
// an earlier restore made.
type loose struct {
	rotatelog.DayUpload                 // its ID is "" if it needs a new one
	from                string          // the source
	beside              map[string]bool // the ids of what the source has besides
}

// madeID returns the id of an upload that is made of single fetches, from its text. It is
// also that of the unfinished batch of a spool.
func madeID(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:13]) }

// isMade reports whether an id looks like those of madeID. Those of a Writer are of capital
// letters.
func isMade(id string) bool {
	_, err := hex.DecodeString(id)
	return err == nil && len(id) == 2*13
}

// made is an upload that is made of single fetches.
type made struct {
	text    bytes.Buffer
	fetches int
	matches int64
}

func (n *made) add(fetch []byte, count rotatelog.CountFunc) {
	if n.fetches++; n.fetches > 1 {
		n.text.WriteString(daytext.Separator)
	}
	n.text.Write(fetch)
	n.matches = addClamped(n.matches, countOf(count, fetch))
}

// upload returns it in place of u, whose Sequence and Timestamp it keeps, under an id that
// no other has.
func (n *made) upload(u rotatelog.DayUpload, has func(id string) bool) rotatelog.DayUpload {
	data := n.text.Bytes()
	sum := sha256.Sum256(data)
	id := madeID(sum)
	for has(id) { // fetches may be alike
		sum = sha256.Sum256(sum[:])
		id = madeID(sum)
	}
	text := sha256.New()
	text.Write(data)
	head := daytext.Head{Timestamp: u.Timestamp, Matches: n.matches, Fetches: n.fetches, ID: id}
	return rotatelog.DayUpload{Sequence: u.Sequence, Timestamp: u.Timestamp, Matches: n.matches, FetchCount: n.fetches, ID: id,
		SHA256: head.Checksum(text), Counted: true, Size: int64(len(data)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// without returns what is left of an upload without the fetches that a stock has. all
// says that it has none of them.
func without(u rotatelog.DayUpload, s stock, count rotatelog.CountFunc) (left made, all bool, err error) {
	all = true
	err = eachFetch(u, func(fetch []byte) {
		if s.take(fetch) {
			all = false
			return
		}
		left.add(fetch, count)
	})
	return left, all, err
}

// settle takes out of the uploads of the object that an earlier restore made what has
// turned up since, or what waits; and puts back what is loose.
func (m *merge) settle(count rotatelog.CountFunc) error {
	if err := m.takeBack(count); err != nil {
		return err
	}
	for _, l := range m.loose {
		if l.ID != "" && m.has(l.ID) { // two sources have it
			continue
		}
		if err := m.addLoose(l, count); err != nil {
			return err
		}
	}
	return nil
}

// addLoose puts back what no upload has of a loose one. Where its source has fetches
// that are alike they are others, unless they have ids.
func (m *merge) addLoose(l loose, count rotatelog.CountFunc) error {
	s := stock{}
	if err := eachFetch(l.DayUpload, s.want); err != nil {
		return err
	}
	for _, u := range m.all() {
		if err := s.addUpload(u, l.beside[u.ID]); err != nil {
			return err
		}
	}
	left, all, err := without(l.DayUpload, s, count)
	m.highest = max(m.highest, l.Sequence)
	switch {
	case err != nil || left.fetches == 0:
		return err
	case all && l.ID != "":
		return m.add(l.from, l.DayUpload)
	}
	if all {
		left.matches = l.Matches
	}
	u := left.upload(l.DayUpload, m.has)
	u.Counted = l.Counted || !all
	return m.add(l.from, u)
}

// all returns the uploads that there are, and those that wait.
func (m *merge) all() []rotatelog.DayUpload {
	all := slices.Clone(m.keep)
	for _, b := range m.back {
		all = append(all, b.DayUpload)
	}
	for _, u := range m.waiting {
		if u.ID == "" || !m.has(u.ID) {
			all = append(all, u)
		}
	}
	return all
}

// takeBack takes out of the uploads of the object that an earlier restore made what other
// uploads have: those that come now or wait, and, where a fetch has an id, any.
func (m *merge) takeBack(count rotatelog.CountFunc) error {
	s, mades := stock{}, map[string]bool{}
	for _, u := range m.keep {
		if !isMade(u.ID) {
			continue
		}
		sum, err := textSum(u)
		if err != nil {
			return err
		}
		if madeID(sum) == u.ID {
			mades[u.ID] = true
			if err := eachFetch(u, s.want); err != nil {
				return err
			}
		}
	}
	if len(mades) == 0 {
		return nil
	}
	if err := m.stock(s, mades); err != nil {
		return err
	}
	for _, u := range slices.Clone(m.keep) {
		if !mades[u.ID] {
			continue
		}
		left, all, err := without(u, s, count)
		if err != nil {
			return err
		}
		if !all {
			m.replace(u, left)
		}
	}
	return nil
}

// stock adds the fetches to s that uploads other than these have: all of those that come
// now or wait, and of those of the object the ones that have ids.
func (m *merge) stock(s stock, except map[string]bool) error {
	kept := map[string]bool{}
	for _, u := range m.keep {
		kept[u.ID] = true
	}
	for _, u := range m.all() {
		if except[u.ID] {
			continue
		}
		if err := s.addUpload(u, kept[u.ID]); err != nil {
			return err
		}
	}
	return nil
}

// replace replaces an upload of the object by what is left of it.
func (m *merge) replace(u rotatelog.DayUpload, left made) {
	m.keep = slices.DeleteFunc(m.keep, func(k rotatelog.DayUpload) bool { return k.ID == u.ID })
	delete(m.ids, u.ID)
	delete(m.taken, u.Sequence)
	m.free = append(m.free, u.Sequence)
	m.yield = append(m.yield, u.ID)
	if left.fetches > 0 {
		rest := left.upload(u, m.has)
		m.ids[rest.ID] = rest
		m.back = append(m.back, PutBack{DayUpload: rest, From: "the object"})
	}
}
