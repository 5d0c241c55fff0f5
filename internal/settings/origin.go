package settings

import "fmt"

// An Origin says where a value came from. The zero Origin is the default.
type Origin struct {
	Flag     string // such as --dir
	Variable string // of the environment or of a file
	File     string
	Line     int
}

// String returns the origin for people.
func (o Origin) String() string {
	switch {
	case o.Flag != "":
		return o.Flag
	case o.File != "":
		return fmt.Sprintf("%s in %s, line %d", o.Variable, o.File, o.Line)
	case o.Variable != "":
		return o.Variable + " in the environment"
	}
	return "default"
}
