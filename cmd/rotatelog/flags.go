package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"example.com/rotatelog/internal/settings"
	"example.com/rotatelog/internal/storeurl"
)

// Flags with the tag setting are settings: each can also be set by its variable, in the
// environment or the settings file, and for one stream by ROTATELOG_FLAG_STREAM.

// settingsFlags are the flags of all commands that have settings.
type settingsFlags struct {
	Config string   `placeholder:"FILE" group:"settings" help:"Settings file, in place of ~/.config/rotatelog/env or /etc/rotatelog/env."`
	Name   []string `setting:"" placeholder:"NAME,…" group:"settings" help:"Streams (default all_api)."`
	streamFlags
}

// streamFlags are the flags of which each stream may have its own.
type streamFlags struct {
	Dir string `setting:"" placeholder:"DIR" group:"settings" help:"Directory of the local file and the spool."`

	Store     string `setting:"" placeholder:"URL" group:"settings" help:"s3://BUCKET[/FOLDER]?endpoint=URL or file:///DIR."`
	Endpoint  string `setting:"" placeholder:"URL" group:"settings" help:"Server of the bucket, as https://us-ord-1.linodeobjects.com."`
	Region    string `setting:"" placeholder:"R" group:"settings" help:"Region (default R in R.linodeobjects.com, or us-east-1)."`
	PathStyle *bool  `setting:"" group:"settings" help:"Bucket in the path (default); =false: in the host."`
	Prefix    string `setting:"" placeholder:"KEY" group:"settings" help:"How keys begin (default FOLDER/, or NAME_rotating_logs/)."`
	Mirror    string `setting:"" placeholder:"URL" group:"settings" help:"Store with a copy of the days."`

	Encrypt           bool   `setting:"" group:"settings" help:"Have the server encrypt with a key of its own."`
	EncryptionKeyFile string `setting:"" placeholder:"FILE" group:"settings" help:"Have it encrypt with the key in FILE, of mode 0600."`
	InsecureHTTP      bool   `setting:"" name:"insecure-http" group:"settings" help:"Allow http:// beyond this machine."`

	Count string `setting:"" placeholder:"PATH" group:"settings" help:"What counts matches: an array or a number in a fetch."`
}

// ofAll returns the flags of which no stream has its own.
func (f *settingsFlags) ofAll() *streamFlags { return &f.streamFlags }

// loadSettings loads the settings, and has them fill in the flags that were not typed.
func (a *app) loadSettings(ctx *kong.Context) error {
	typed := map[string]string{}
	config := ""
	for _, p := range ctx.Path {
		if p.Flag == nil || p.Flag.Name != "config" && !isSetting(p.Flag) {
			continue
		}
		text := flagText(ctx.FlagValue(p.Flag))
		if p.Flag.Name == "config" {
			config = text
		} else {
			typed[p.Flag.Name] = text
		}
		if p.Flag.Name != "name" && p.Flag.Group != nil && p.Flag.Group.Key == "settings" { // all commands have it
			a.typedSettings = append(a.typedSettings, "--"+p.Flag.Name+"="+text)
		}
	}
	var err error
	a.settings, err = settings.Load(settings.Sources{Flags: typed, Environ: a.env.Environ, Config: config, Known: settingNames(reflect.TypeFor[commands]())})
	if a.badSettings = err != nil; err != nil {
		return err
	}
	a.keys = storeurl.NewKeys(a.settings)
	a.keys.Transport = a.env.Transport
	ctx.AddResolver(a.resolver(""))
	return nil
}

// resolver returns what gives kong the settings of a stream.
func (a *app) resolver(stream string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if v, ok := a.settings.Lookup(flag.Name, stream); ok && isSetting(flag) {
			return v.Text, nil
		}
		return nil, nil
	})
}

// flagText returns the value of a flag as it is typed.
func flagText(value any) string {
	switch v := value.(type) {
	case []string:
		return strings.Join(v, ",")
	case *bool:
		return fmt.Sprint(*v)
	}
	return fmt.Sprint(value)
}

func isSetting(flag *kong.Flag) bool { return flag.Tag.Has("setting") }

// failOn is the flag of commands with findings.
type failOn struct {
	FailOn string `enum:"error,warning" default:"error" placeholder:"SEVERITY" help:"Exit with 1 from this severity on: error (default) or warning."`
}

// jsonFlag is the flag of commands whose output programs read.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print a line of JSON for each, as docs/CLI.md describes it."`
}

// sample is the N of 1/N.
type sample int

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *sample) UnmarshalText(text []byte) error {
	n, ok := strings.CutPrefix(string(text), "1/")
	parts, err := strconv.Atoi(n)
	if !ok || err != nil || parts < 1 {
		return fmt.Errorf("%q is no part: use 1/7", text)
	}
	*s = sample(parts)
	return nil
}
