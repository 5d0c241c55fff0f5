package archive

import (
	"crypto/sha256"
	"slices"

	"example.com/rotatelog"
)

// loose is an upload of which only those fetches count that no other upload has: the
// unfinished batch of a spool, which may have been sealed and uploaded since, or one that
// an earlier restore made.
type loose struct {
	rotatelog.DayUpload                 // its ID is "" if it needs a new one
	from                string          // the source
	beside              map[string]bool // the ids of what the source has besides
}

// settle takes out of the uploads of the object that an earlier restore made what has
// turned up since, or what waits; and puts back what is loose.
func (m *merge) settle(count rotatelog.CountFunc) error {
	if err := m.findMade(); err != nil {
		return err
	}
	if err := m.dropRedelivered(count); err != nil {
		return err
	}
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

// findMade finds the uploads of the object that an earlier restore made.
func (m *merge) findMade() error {
	for _, u := range m.keep {
		if !isMade(u.ID) {
			continue
		}
		sum, err := textSum(u)
		if err != nil {
			return err
		}
		for n := 0; n < len(m.keep) && madeID(sum) != u.ID; n++ {
			sum = sha256.Sum256(sum[:])
		}
		if madeID(sum) == u.ID {
			m.made = append(m.made, u)
		}
	}
	return nil
}

// takeBack takes out of the uploads of the object that an earlier restore made what other
// uploads have by now.
func (m *merge) takeBack(count rotatelog.CountFunc) error {
	if len(m.made) == 0 {
		return nil
	}
	s, except := stock{}, map[string]bool{}
	for _, u := range m.made {
		except[u.ID] = true
		if err := eachFetch(u, s.want); err != nil {
			return err
		}
	}
	if err := m.stock(s, except); err != nil {
		return err
	}
	for _, u := range slices.Clone(m.made) {
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

// addLoose puts back what no upload has of a loose one. Where its source has fetches
// that are alike they are others, unless they have ids.
func (m *merge) addLoose(l loose, count rotatelog.CountFunc) error {
	s := stock{}
	if err := eachFetch(l.DayUpload, s.want); err != nil {
		return err
	}
	begun, err := m.begun(l)
	if err != nil {
		return err
	}
	for _, u := range begun {
		m.replace(u, made{})
	}
	for _, u := range m.all() {
		if err := s.addUpload(u, l.beside[u.ID]); err != nil {
			return err
		}
	}
	for _, u := range begun { // it is no longer in any other
		if err := eachFetch(u, s.spare); err != nil {
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

// begun returns the uploads of the object that an earlier restore made when l held less:
// l has all of their fetches.
func (m *merge) begun(l loose) (begun []rotatelog.DayUpload, err error) {
	if l.ID == "" {
		return nil, nil
	}
	for _, u := range m.made {
		s := stock{}
		if err := eachFetch(u, s.want); err != nil {
			return nil, err
		}
		if err := s.addUpload(l.DayUpload, false); err != nil {
			return nil, err
		}
		has := true
		if err := eachFetch(u, func(fetch []byte) { has = s.take(fetch) && has }); err != nil {
			return nil, err
		}
		if has {
			begun = append(begun, u)
		}
	}
	return begun, nil
}

// replace replaces an upload of the object that an earlier restore made by what is left of
// it.
func (m *merge) replace(u rotatelog.DayUpload, left made) {
	is := func(k rotatelog.DayUpload) bool { return k.ID == u.ID }
	m.keep, m.made = slices.DeleteFunc(m.keep, is), slices.DeleteFunc(m.made, is)
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

// stock adds the fetches to s that uploads other than these have: all of those that come
// now, and of the others, which may hold later ones that are alike, the ones that have ids.
func (m *merge) stock(s stock, except map[string]bool) error {
	come := map[string]bool{}
	for _, b := range m.back {
		come[b.ID] = true
	}
	for _, u := range m.all() {
		if except[u.ID] {
			continue
		}
		if err := s.addUpload(u, !come[u.ID]); err != nil {
			return err
		}
	}
	return nil
}
