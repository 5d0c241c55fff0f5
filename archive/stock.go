package archive

import (
	"crypto/sha256"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/rawjson"
)

// stock counts fetches that uploads have, of those that are wanted.
type stock map[[sha256.Size]byte]int

// want has the stock count a fetch.
func (s stock) want(fetch []byte) {
	if k := sha256.Sum256(fetch); s[k] == 0 {
		s[k] = 0
	}
}

// add adds a fetch if it is wanted. named says that only one with an id counts.
func (s stock) add(fetch []byte, named bool) {
	k := sha256.Sum256(fetch)
	if _, ok := s[k]; ok && (!named || hasID(fetch)) {
		s[k]++
	}
}

// take reports whether the stock has a fetch. Of fetches without an id as many are taken
// as there are: they may be alike.
func (s stock) take(fetch []byte) bool {
	k := sha256.Sum256(fetch)
	if s[k] <= 0 {
		return false
	}
	if !hasID(fetch) {
		s[k]--
	}
	return true
}

// spare has the stock not have a fetch once. One with an id it has or has not.
func (s stock) spare(fetch []byte) {
	if !hasID(fetch) {
		s[sha256.Sum256(fetch)]--
	}
}

// hasID reports whether a fetch has an id, so that an equal one is the same.
func hasID(fetch []byte) bool {
	id, err := rawjson.Lookup(fetch, "FETCH_HEADER", "random_fetch_id")
	return err == nil && len(id) > len(`""`) && id[0] == '"'
}

// addUpload adds the fetches of an upload to the stock.
func (s stock) addUpload(u rotatelog.DayUpload, named bool) error {
	return eachFetch(u, func(fetch []byte) { s.add(fetch, named) })
}
