// Package settings finds out what a command was told: by flags, else by the
// environment, else by a file of NAME=value lines. What has no value in any of these has
// its default, which is up to the command.
//
// The flag --upload-every is the variable ROTATELOG_UPLOAD_EVERY, in the environment and
// in the file. ROTATELOG_NAME lists streams, and ROTATELOG_COUNT_MERGE is --count for the
// stream merge only.
package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const (
	prefix     = "ROTATELOG_"
	configName = prefix + "CONFIG"

	// DefaultStream is the name of the stream where none is named.
	DefaultStream = "all_api"
)

// Sources are where settings come from.
type Sources struct {
	Flags   map[string]string // that were typed, by their names without dashes
	Environ []string          // as os.Environ returns it
	Config  string            // the file that --config names, "" for none
	Known   []string          // the names of all flags that are settings
}

// A Value is the text of a setting, and where it came from.
type Value struct {
	Text   string
	Origin Origin
}

// Settings are what Sources say.
type Settings struct {
	flags   map[string]string
	environ map[string]string
	file    *File
	known   []string
	streams []string
}

// Load reads the file, if there is one, and checks the names of what it and the
// environment set. An error says what to change.
func Load(src Sources) (*Settings, error) {
	s := &Settings{flags: src.Flags, environ: environ(src.Environ), known: src.Known}
	var err error
	if s.file, err = findFile(src.Config, s.environ); err != nil {
		return nil, err
	}
	listed, _ := s.Env(Variable("name"))
	selected, _ := s.Lookup("name", "")
	all, err := splitStreams(listed)
	if err != nil {
		return nil, err
	}
	if s.streams, err = splitStreams(selected); err != nil {
		return nil, err
	}
	all = append(all, s.streams...)
	if err := s.checkUnambiguous(all); err != nil {
		return nil, err
	}
	return s, s.checkNames(all)
}

func environ(pairs []string) map[string]string {
	m := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok {
			m[name] = value
		}
	}
	return m
}

// streamName is what can be the name of a stream, as rotatelog.Config has it.
var streamName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*$`) })

func splitStreams(list Value) ([]string, error) {
	if list.Text == "" {
		return []string{DefaultStream}, nil
	}
	streams := strings.Split(list.Text, ",")
	seen := map[string]string{}
	for _, stream := range streams {
		v := variable(stream)
		switch other, twice := seen[v]; {
		case stream == "" || stream != strings.TrimSpace(stream):
			return nil, fmt.Errorf("%s: %q must be names with single commas between them, as in all_api,merge", list.Origin, list.Text)
		case !streamName().MatchString(stream):
			return nil, fmt.Errorf("%s: %q is no name of a stream: use letters, digits, _, - and .", list.Origin, stream)
		case twice && other == stream:
			return nil, fmt.Errorf("%s: it lists the stream %s twice", list.Origin, stream)
		case twice:
			return nil, fmt.Errorf("%s: the settings of the streams %s and %s would have the same names; rename one", list.Origin, other, stream)
		}
		seen[v] = stream
	}
	return streams, nil
}

// Streams returns the names of the streams, in the order in which they are listed.
func (s *Settings) Streams() []string { return slices.Clone(s.streams) }

// Lookup returns the value of a flag for a stream, and whether it is set. The stream ""
// has no settings of its own.
func (s *Settings) Lookup(flag, stream string) (Value, bool) {
	if text, ok := s.flags[flag]; ok {
		return Value{text, Origin{Flag: "--" + flag}}, true
	}
	name := Variable(flag)
	if stream != "" {
		if v, ok := s.Env(name + "_" + variable(stream)); ok {
			return v, true
		}
	}
	return s.Env(name)
}

// HasOwn reports whether anything is set for that stream only.
func (s *Settings) HasOwn(stream string) bool {
	suffix := "_" + variable(stream)
	return slices.ContainsFunc(s.known, func(flag string) bool {
		_, ok := s.Env(Variable(flag) + suffix)
		return ok
	})
}

// Env returns the value of a variable, such as AWS_ACCESS_KEY_ID, in the environment,
// else in the file. A variable that is set to "" in the environment is not set.
func (s *Settings) Env(name string) (Value, bool) {
	if text := s.environ[name]; text != "" {
		return Value{text, Origin{Variable: name}}, true
	}
	if line, ok := s.file.lookup(name); ok {
		return Value{line.value, Origin{Variable: name, File: s.file.Path, Line: line.number}}, true
	}
	return Value{}, false
}

// File returns the file that was read; nil if there is none.
func (s *Settings) File() *File { return s.file }

// Variable returns the name of the variable of a flag: ROTATELOG_UPLOAD_EVERY of
// upload-every.
func Variable(flag string) string { return prefix + variable(flag) }

// variable returns s as a part of the name of a variable.
func variable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' {
			return '_'
		}
		return unicode.ToUpper(r)
	}, s)
}
