package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/internal/storeurl"
	"example.com/rotatelog/s3store"
)

// bucketSetup is a bucket, and the streams in it.
type bucketSetup struct {
	app      *app
	place    *storeurl.Place
	provider provider
	streams  []stream

	settings *s3store.BucketSettings // nil if there is no key to ask with
	usage    usage                   // of an average day, if there is one
	unknown  string                  // why neither is known
	unread   error                   // why the usage is not
}

// askTimeout is for how long a bucket is asked for its settings, and then for its days.
const askTimeout = 30 * time.Second

// printBuckets prints how to set up the bucket of each stream. It changes nothing.
func (a *app) printBuckets(ctx context.Context, streams []stream) error {
	var all []*bucketSetup
	for _, s := range streams {
		place, err := s.place()
		if err != nil {
			return err
		}
		if place.Dir != "" {
			return usagef("%s: --bucket is for s3://BUCKET only", s.origin("store"))
		}
		i := slices.IndexFunc(all, func(b *bucketSetup) bool {
			return b.place.Bucket == place.Bucket && b.place.Endpoint == place.Endpoint
		})
		if i < 0 {
			i, all = len(all), append(all, &bucketSetup{app: a, place: place, provider: providerOf(place.Endpoint)})
		}
		all[i].streams = append(all[i].streams, s)
	}
	for i, b := range all {
		if i > 0 {
			a.println("")
		}
		if err := b.ask(ctx); err != nil {
			return err
		}
		if err := b.print(); err != nil {
			return err
		}
	}
	for _, b := range all {
		if b.unread != nil {
			return b.unread
		}
	}
	return nil
}

// ask finds out how the bucket is set up, and how large its days are.
func (b *bucketSetup) ask(ctx context.Context) error {
	archive, err := b.streams[0].archiveAt(b.place)
	if err != nil { // there is no key yet
		b.unknown = err.Error()
		return nil
	}
	within := func() (context.Context, context.CancelFunc) {
		return context.WithTimeoutCause(ctx, askTimeout, fmt.Errorf("%s does not answer within %v", b.place.Endpoint, askTimeout))
	}
	if store, ok := archive.Store.(*s3store.Store); ok {
		ctx, cancel := within()
		settings := store.BucketSettings(ctx)
		cancel()
		b.settings = &settings
		b.provider = b.provider.of(settings.Server)
	}
	days, cancel := within()
	defer cancel()
	if b.usage, b.unread = b.average(days, b.app.today()); b.unread != nil && days.Err() != nil {
		b.unread = context.Cause(days)
	}
	return context.Cause(ctx)
}

func (b *bucketSetup) print() error {
	a := b.app
	a.println(a.out.paint(bold, b.provider.name))
	a.printText("", fmt.Sprintf("%s at %s", b.place, b.place.Endpoint))
	a.println("")
	b.printSteps()
	if b.provider.policies {
		if err := b.printPolicies(); err != nil {
			return err
		}
	}
	if err := b.printLifecycle(); err != nil {
		return err
	}
	b.section("versioning", b.provider.aboutVersions(), b.printVersions)
	b.section("encryption", b.provider.encryption)
	b.section("access log", b.provider.logging)
	if command := b.provider.logCommand; command != "" {
		b.app.println(b.named(command))
	}
	if len(b.provider.lacks) > 0 {
		b.section("what there is not", "")
		for _, what := range b.provider.lacks {
			a.printText("  ", what)
		}
	}
	b.section("what is set now", "", b.printSettings)
	b.section("estimate", "", b.printEstimate)
	return nil
}

// section prints a title, a text, and what else there is.
func (b *bucketSetup) section(title, text string, more ...func()) {
	b.app.println("\n" + b.app.out.paint(bold, title))
	if text != "" {
		b.app.paragraph(b.named(text))
	}
	for _, print := range more {
		print()
	}
}

// named returns a text with the bucket's name in it.
func (b *bucketSetup) named(text string) string {
	return strings.NewReplacer("BUCKET", b.place.Bucket, "ENDPOINT", b.place.Endpoint).Replace(text)
}

func (b *bucketSetup) printSteps() {
	file := "/etc/rotatelog/env"
	if f := b.app.settings.File(); f != nil {
		file = f.Path
	}
	steps := append(slices.Clone(b.provider.steps), "Put the key into "+file+", mode 0600, and run rotatelog doctor.")
	for i, step := range steps {
		begin := fmt.Sprintf("%d. ", i+1)
		lines := strings.Join(format.Wrap(b.named(step), "   ", b.app.out.width), "\n")
		b.app.println(begin + lines[len(begin):])
	}
	for _, command := range b.provider.commands {
		b.app.println("\n" + b.named(command))
	}
}

func (b *bucketSetup) printJSON(what string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	b.app.printf("\n%s\n%s\n", b.app.out.paint(bold, what), text)
	return nil
}

// prefixes returns how the keys of the streams begin.
func (b *bucketSetup) prefixes() []string {
	var all []string
	for _, s := range b.streams {
		all = append(all, prefixOf(rotatelog.Archive{Name: s.Name, Prefix: cmp.Or(s.Prefix, b.place.Prefix)}))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// prefixOf returns the folder that the keys of an archive are in, with a slash.
func prefixOf(archive rotatelog.Archive) string {
	key := archive.Key(rotatelog.Day{}, rotatelog.Uncompressed)
	return key[:strings.LastIndex(key, "/")+1]
}
