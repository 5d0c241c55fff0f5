package dashboard

import (
	"path/filepath"
	"strings"
)

// place is where the objects of a stream are, for people.
type place struct {
	noun  string // "bucket", "directory" or, if that is not known, "store"
	where string // "" if that is not known
}

// placeOf returns where the objects of a stream are: as the program says, else as the spool
// does, which says more than a path only of what it has uploaded to.
func placeOf(store, uploaded string) place {
	switch {
	case filepath.IsAbs(store):
		return place{"directory", store}
	case store != "":
		return place{"bucket", store}
	case filepath.IsAbs(uploaded): // with the beginning of the names there
		return place{"directory", filepath.Dir(uploaded)}
	}
	return place{"store", ""}
}

// sentence says where the objects are, "" if that is not known.
func (p place) sentence() string {
	if p.where == "" {
		return ""
	}
	return "goes to the " + p.noun + " " + p.where
}

// place sets where the objects are of the stream that the page begins with.
func (p *page) place() {
	var where text
	where.add("%s", p.view.place.sentence())
	p.parts["place"], p.parts["noun"] = where.String(), p.view.place.noun
}

// column returns the name of the column about what is in the stores of streams.
func column(streams []*view) string {
	noun := streams[0].place.noun
	for _, v := range streams {
		if v.place.noun != noun {
			noun = "store"
		}
	}
	return strings.ToUpper(noun[:1]) + noun[1:]
}
