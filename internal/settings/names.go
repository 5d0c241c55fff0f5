package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// keyNames are the variables that hold keys. A store with a profile, such as MIRROR, has
// its own, such as MIRROR_AWS_ACCESS_KEY_ID.
var keyNames = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// AlertNames are the variables that say who is told what is wrong. They have no flag, since
// everybody sees what is typed, and no stream has its own. Their URLs are secrets.
func AlertNames() []string {
	return []string{"ROTATELOG_NOTIFY", "ROTATELOG_PAGE", "ROTATELOG_HEARTBEAT"}
}

// UploadedName is the variable that says who is told of uploads, which is a secret as well.
const UploadedName = prefix + "UPLOADED"

// secretNames are the settings that are secrets.
func secretNames() []string { return append(AlertNames(), UploadedName) }

// checkNames refuses names that are probably misspelled: those that begin with
// ROTATELOG_ and are no setting, and in the file also those that are nearly one.
func (s *Settings) checkNames(streams []string) error {
	known := s.names(streams)
	for _, name := range slices.Sorted(maps.Keys(s.environ)) {
		if strings.HasPrefix(name, prefix) && name != configName && !slices.Contains(known, name) {
			return fmt.Errorf("%s: there is no such setting; the nearest is %s", Origin{Variable: name}, Nearest(name, known))
		}
	}
	if s.file == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.file.lines)) {
		origin := Origin{Variable: name, File: s.file.Path, Line: s.file.lines[name].number}
		near := Nearest(name, known)
		switch {
		case slices.Contains(known, name) || isKey(name):
		case name == configName:
			return fmt.Errorf("%s: a file cannot name another; set it in the environment", origin)
		case strings.HasPrefix(name, prefix) || distance(name, near) <= 2:
			return fmt.Errorf("%s: there is no such setting; the nearest is %s", origin, near)
		}
	}
	return nil
}

func isKey(name string) bool {
	return slices.ContainsFunc(keyNames, func(key string) bool { return name == key || strings.HasSuffix(name, "_"+key) })
}

// checkUnambiguous refuses a variable that could be a setting of all streams and one of a
// single stream: ROTATELOG_EXPECT_UPLOAD is --expect-upload, and --expect of a stream upload.
func (s *Settings) checkUnambiguous(streams []string) error {
	for _, flag := range s.known {
		for _, stream := range streams {
			other := strings.TrimPrefix(Variable(flag)+"_"+variable(stream), prefix)
			i := slices.IndexFunc(s.known, func(f string) bool { return variable(f) == other })
			if i < 0 {
				continue
			}
			if v, ok := s.Env(prefix + other); ok {
				return fmt.Errorf("%s: it could be --%s, or --%s of the stream %s: rename that stream, or type the flag", v.Origin, s.known[i], flag, stream)
			}
		}
	}
	return nil
}

// names returns the names of all variables that are settings, those of each stream
// included.
func (s *Settings) names(streams []string) []string {
	names := append(slices.Clone(keyNames), secretNames()...)
	for _, flag := range s.known {
		names = append(names, Variable(flag))
		for _, stream := range streams {
			if flag != "name" {
				names = append(names, Variable(flag)+"_"+variable(stream))
			}
		}
	}
	return names
}

// Nearest returns the name that is most like the given one.
func Nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance returns by how many characters inserted, deleted or replaced a differs from b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
