package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog"
)

// ExportOptions says what is exported, and in which form. The zero value is each fetch on a
// line of its own, as it is stored (NDJSON).
//
// A row is a fetch or, with Each, an element of an array in it. A path is the names of
// members, the outermost first. Four names of one member do not lead into the row; they are
// what is known of it:
//
//	_day     the day, as "2025-07-10"
//	_time    when the fetch was made by its header, else when its upload was sealed, as
//	         "2025-07-10T15:45:22-04:00"; null if neither says so
//	_fetch   the daily number in its header, else its place in the day, from 1
//	_upload  the upload_sequence of its upload
type ExportOptions struct {
	// Each is the path of an array in the fetches. Each element of it is a row. In NDJSON,
	// _day, _time, _fetch and _upload are added in front of its members; an element that has
	// one of these itself is an error. An element that is no object becomes the member value.
	// A fetch without such an array has no rows.
	Each []string
	// Columns, if set, are the columns of a CSV file with a header. A string is written as
	// its text, null and what is missing as nothing, and everything else as JSON.
	Columns [][]string
	// Raw exports the object as it is in the store, byte for byte. Of the other options only
	// Again goes with it. An object that is replaced meanwhile is copied again, a few times, if
	// it goes to a file, since some servers mix two versions then; from Export it is an error.
	Raw bool
	// From and To are times of the day by the clock on the wall, since midnight: rows of
	// fetches made from From on and before To. Zero is no limit. An hour that the clocks
	// repeat counts twice.
	From, To time.Duration
	// Where are what rows must have.
	Where []Condition
	// Zstd compresses what is written.
	Zstd bool
	// Again exports also the days that a folder has already.
	Again bool
	// TimeOf says when a fetch was made: rotatelog.HeaderTime unless set. That it is another
	// one than before is not noticed in a folder: set Again then.
	TimeOf func(fetch []byte) (time.Time, error)
}

// ErrUnfit is matched by the error of a day whose fetches do not have what the
// ExportOptions ask for.
var ErrUnfit = errors.New("the fetches do not fit the options")

// ErrNothing is matched by the error of an export that has found no row, and so has left a
// file of an earlier one as it was.
var ErrNothing = errors.New("nothing was found")

// ExportedDay is what was exported of a day.
type ExportedDay struct {
	Day       rotatelog.Day
	Key       string // "" if there is no object
	Version   rotatelog.Version
	File      string // "" if there are no rows, and so no file
	Unchanged bool   // the file was there already, from the same version and with the same options
	Fetches   int    // of the day
	Without   int    // fetches that have no array at Each
	Rows      int64
	Bytes     int64 // of the rows, before they are compressed, or of the object as it is
	// Looked is how many rows were held against the conditions, and Lacks are the columns and
	// conditions that none of these has. A path that is in the Lacks of each day in which rows
	// were looked at is most likely misspelled.
	Looked int64
	Lacks  []Lack
}

// The names of what is added to a row.
const (
	metaDay = iota
	metaTime
	metaFetch
	metaUpload
	metas // how many there are
)

func metaNames() []string { return []string{"_day", "_time", "_fetch", "_upload"} }

// Export writes a day to w. The error matches [fs.ErrNotExist] if it has no object,
// rotatelog.ErrDamaged if that is damaged, or if the day has two, and rotatelog.ErrReplaced if it was replaced
// meanwhile by another. After an error, w has got a part of it. In a day that a Writer
// began, each upload that has a checksum is held against it.
func Export(ctx context.Context, a rotatelog.Archive, day rotatelog.Day, w io.Writer, opts ExportOptions) (ExportedDay, error) {
	e, err := newExporter(a, opts)
	if err != nil {
		return ExportedDay{Day: day}, err
	}
	source, err := e.open(ctx, day)
	if err != nil {
		return ExportedDay{Day: day}, err
	}
	err = source.exportTo(ctx, w)
	return source.ExportedDay, err
}

// Check returns what is wrong with the options.
func (o ExportOptions) Check() error {
	isSet := len(o.Each) > 0 || len(o.Columns) > 0 || len(o.Where) > 0 || o.From != 0 || o.To != 0
	if o.Raw && (isSet || o.Zstd) {
		return errors.New("the object as it is has no rows, and is not compressed again")
	}
	if o.From < 0 || o.To < 0 || o.To != 0 && o.To <= o.From {
		return errors.New("the end of the part of the day is not after its beginning")
	}
	var all [][]string
	if o.Each != nil {
		all = append(all, o.Each)
	}
	for _, c := range o.Where {
		all = append(all, c.Path)
	}
	for i, path := range o.Columns {
		if slices.ContainsFunc(o.Columns[:i], func(p []string) bool { return slices.Equal(p, path) }) {
			return fmt.Errorf("there are two columns %s", strings.Join(path, "."))
		}
	}
	for _, path := range append(all, o.Columns...) {
		if len(path) == 0 || slices.Contains(path, "") {
			return fmt.Errorf("%q is not a path", strings.Join(path, "."))
		}
	}
	return nil
}

// ext returns how the name of a file ends that has the rows.
func (o ExportOptions) ext() string {
	ext := ".ndjson"
	if len(o.Columns) > 0 {
		ext = ".csv"
	}
	if o.Zstd {
		ext += ".zst"
	}
	return ext
}
