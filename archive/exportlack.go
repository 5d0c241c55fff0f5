package archive

import (
	"encoding/json"
	"maps"
	"slices"

	"example.com/rotatelog/internal/rawjson"
)

// Lack is the path of a column or a condition at which no row of a day has anything.
type Lack struct {
	Path []string `json:"path"`
	// Depth is how many of the names a row has that was looked at, and Names are names, at most
	// a hundred, that it has in place of the next one: what was meant may be among them.
	Depth int      `json:"depth"`
	Names []string `json:"names,omitempty"`
}

// maxNames is how many names a Lack has at most.
const maxNames = 100

// lackOf returns what there is to say of a path that a row does not have.
func lackOf(path []string, row []byte) Lack {
	l := Lack{Path: path}
	for _, name := range path {
		var members map[string]json.RawMessage
		if json.Unmarshal(row, &members) != nil { // it is no object
			return l
		}
		next, ok := members[name]
		if !ok {
			names := slices.Sorted(maps.Keys(members))
			l.Names = names[:min(len(names), maxNames)]
			return l
		}
		row = next
		l.Depth++
	}
	return l
}

// lookout finds out which columns and conditions no row has.
type lookout struct {
	unseen []exportField
	row    []byte // one that does not have all
}

// newLookout returns a lookout for what is asked for of rows.
func (e *exporter) newLookout() lookout {
	var l lookout
	for _, f := range slices.Concat(e.columns, e.where) {
		if f.meta < 0 && !slices.ContainsFunc(l.unseen, func(o exportField) bool { return slices.Equal(o.path, f.path) }) {
			l.unseen = append(l.unseen, f)
		}
	}
	return l
}

// look takes down what a row has, whether it is exported or not.
func (x *exportReader) look(row []byte, of *rawjson.Picker) {
	x.Looked++
	if len(x.lookout.unseen) == 0 {
		return
	}
	x.lookout.unseen = slices.DeleteFunc(x.lookout.unseen, func(f exportField) bool { return x.value(f, row, of) != nil })
	if x.lookout.row == nil && len(x.lookout.unseen) > 0 && row[0] == '{' {
		x.lookout.row = slices.Clone(row)
	}
}

// lacks returns what no row had.
func (x *exportReader) lacks() (all []Lack) {
	if x.Looked == 0 {
		return nil
	}
	for _, f := range x.lookout.unseen {
		all = append(all, lackOf(f.path, x.lookout.row))
	}
	return all
}
