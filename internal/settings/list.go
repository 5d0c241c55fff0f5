package settings

import (
	"maps"
	"slices"
	"strings"
)

// A Setting is a setting that has a value, for people to check.
type Setting struct {
	Name string // such as --dir, ROTATELOG_COUNT_MERGE or AWS_SECRET_ACCESS_KEY
	Value
}

// List returns all settings that have a value: those of all streams, then those of one
// stream, then keys and who is told, of which only the last four characters are shown.
func (s *Settings) List() []Setting {
	var all []Setting
	for _, flag := range s.known {
		if v, ok := s.Lookup(flag, ""); ok {
			all = append(all, Setting{"--" + flag, v})
		}
	}
	for _, stream := range s.streams {
		for _, flag := range s.known {
			name := Variable(flag) + "_" + variable(stream)
			if v, ok := s.Env(name); ok && v.Origin == s.origin(flag, stream) {
				all = append(all, Setting{name, v})
			}
		}
	}
	return append(all, s.keys()...)
}

// origin returns where the value of a flag comes from for a stream.
func (s *Settings) origin(flag, stream string) Origin {
	v, _ := s.Lookup(flag, stream)
	return v.Origin
}

// keys returns the keys, those of profiles included, and who is told.
func (s *Settings) keys() []Setting {
	names := map[string]bool{}
	for name := range s.environ {
		names[name] = isKey(name) || IsSecret(name) && strings.HasPrefix(name, prefix)
	}
	if s.file != nil {
		for name := range s.file.lines {
			names[name] = isKey(name) || IsSecret(name) && strings.HasPrefix(name, prefix)
		}
	}
	var keys []Setting
	for _, name := range slices.Sorted(maps.Keys(names)) {
		v, ok := s.Env(name)
		if !names[name] || !ok {
			continue
		}
		if IsSecret(name) {
			v.Text = Mask(v.Text)
		}
		keys = append(keys, Setting{name, v})
	}
	return keys
}
