package rotatelog_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutation is a defect: in file, old becomes new.
type mutation struct {
	name      string
	file      string
	old, new  string
	run, args string // tests that catch it at the usual depth, and flags that leave some of it out
}

const (
	simulation = "^TestSimulation$"
	twoSeals   = "^TestCrash$/two_seals"
	atOnce     = "^TestCrash$/batches_at_once"
	clockSet   = "^TestCrash$/clock_set"
	faults     = "^TestCrashAfterFault$/restart"
	midnight   = "^TestCrashAfterFault$/midnight"
	alikeRuns  = "^TestCrashWithEqualBatches$"
	between    = "^TestCrashBetween"
)

// mutations are the defects that the tests must notice.
func mutations() []mutation {
	return []mutation{
		{
			"acknowledge before the fsync", "append.go",
			"if w.cfg.Sync == SyncAppend || a.broken {",
			"if a.broken {",
			twoSeals, "",
		},
		{
			"seal without syncing pending", "seal.go",
			"if covered, err := s.syncName(g); !covered {\n\t\t\tg.next = linkBatch",
			"if covered, err := true, error(nil); !covered {\n\t\t\tg.next = linkBatch",
			twoSeals, "",
		},
		{
			"acknowledge a whole batch before its name is synced", "seal.go",
			"if covered, err := s.syncName(g); !covered {\n\t\t\tg.next = writeLines",
			"if covered, err := true, error(nil); !covered {\n\t\t\tg.next = writeLines",
			atOnce, "",
		},
		{
			"take a whole batch for sealed though its name could not be synced", "seal.go",
			"\t\t\tg.next = writeLines\n",
			"\t\t\tg.next = saveAdvanced\n",
			"^TestBatchThatComesAtOnceIsSyncedAgain$", "",
		},
		{
			"take the name of a batch for durable after the sync of another part failed", "seal.go",
			"return g.failed == s.syncs.failures(), nil",
			"return true, nil",
			"^TestSyncOfAnotherPartFails$", "",
		},
		{
			"acknowledge a duplicate before the fsync", "append.go",
			"g.written, g.err = w.write(g.fresh)",
			"if len(g.fresh) > 0 {\ng.written, g.err = w.write(g.fresh)\n}",
			"^TestDuplicateIsSynced$", "",
		},
		{
			"acknowledge the duplicate of what could not be stored", "duplicate.go",
			"case twin != nil && twin.receipt.Number > 0:",
			"case twin != nil && twin.receipt.Number >= 0:",
			"^TestDuplicateOfWhatHasNoRoom$", "",
		},
		{
			"trust the name of a batch that another Writer sealed", "duplicate.go",
			"if w.index.isSecure(b.id) {",
			"if true {",
			"^TestDuplicateInUnsyncedBatch$", "",
		},
		{
			"take a hash for the identity", "duplicate.go",
			"if is, err := w.cfg.callIdentity(fetch); err == nil && is == identity {",
			"if is, err := w.cfg.callIdentity(fetch); err == nil && is != \"\" {",
			"^TestIndexWithAForeignHash$", "",
		},
		{
			"store what is in a batch that is still unread", "duplicate.go",
			"if at != nil || err != nil || w.index.isComplete() {",
			"if true {",
			"^TestDuplicateInABatchThat", "",
		},
		{
			"store what may be in a batch that waits and cannot be read", "unreadable.go",
			"if b.sequence == 0 || !x.countFailure(b.id) {",
			"if !x.countFailure(b.id) {",
			"^TestBrokenSectorOfABatchThatWaits$", "",
		},
		{
			"give a kept batch up that cannot be read for a moment", "unreadable.go",
			"case now.Sub(f.last) < failuresApart:",
			"case f.n > enoughFailures:",
			"^TestDiskThatFailsForAWhile$", "",
		},
		{
			"give all kept batches up as the disk fails", "unreadable.go",
			"!x.isSaved() {",
			"!x.file.whole {",
			"^TestDiskThatFailsForAWhile$", "",
		},
		{
			"forget that a kept batch was given up", "identityindex.go",
			"case b.sequence > 0 && f.isLeftOut():",
			"case false:",
			"^TestBrokenSectorOfAKeptBatch$", "",
		},
		{
			"index what a damaged frame says", "identityindex.go",
			"i.hashes, probes, err = nil, nil, nil",
			"err = nil",
			"^TestDamagedFrameIsNotIndexed$", "",
		},
		{
			"read each kept batch twice for the index", "keptbatch.go",
			"	file := &diskReader{r: f.bytes()}\n	text := io.Reader(file)\n	if f.zst {",
			"	file := &diskReader{r: f.bytes()}\n	text := io.Reader(file)\n	if f.zst && checkFrame(f) == nil {",
			"^TestLostIndexIsMadeInOneReading$", "",
		},
		{
			"miss a batch that moves while it is looked for", "identityindex.go",
			"if err := persistently(b, do); !errors.Is(err, fs.ErrNotExist) {\n\t\t\t\treturn b, err\n\t\t\t}",
			"if err := persistently(b, do); !errors.Is(err, fs.ErrNotExist) {\n\t\t\t\treturn b, err\n\t\t\t}\n\t\t\treturn b, nil",
			"^TestDuplicateInABatchThatMoves$", "",
		},
		{
			"take a batch for what was acknowledged of it", "identityindex.go",
			"if b.order != x.filling.order || b.fetches() != len(x.filling.records) {",
			"if b.order != x.filling.order {",
			"^TestDuplicateInABatchThatFailed$", "",
		},
		{
			"believe the index of a batch that was damaged since", "duplicate.go",
			"x.doubt(b)",
			"",
			"^TestDamagedBatchIsSearched$", "",
		},
		{
			"give a kept batch up for failures before it could be read", "unreadable.go",
			"if _, failed := x.failed[id]; failed {",
			"if _, failed := x.failed[id]; failed && x.built == nil {",
			"^TestFailuresBeforeASuccess$", "",
		},
		{
			"use the index of another function", "identityfile.go",
			"if f.function != cfg.identityName() {\n\t\treturn false",
			"if f.function != cfg.identityName() {\n\t\treturn f.lines > 0",
			"^TestIndexOfAnotherFunction$", "",
		},
		{
			"use the index of the same function with other parameters", "identityfile.go",
			"if cfg.storedHash(p.fetch) != p.hash {\n\t\t\treturn false",
			"if cfg.storedHash(p.fetch) != p.hash {\n\t\t\treturn true",
			"^TestIndexOfAnotherFunction$", "",
		},
		{
			"end a drain without work while a batch is being compressed", "schedule.go",
			"if packing := p.waitForPacking(); len(batches) == 0 && !packing",
			"if p.waitForPacking(); len(batches) == 0",
			"^TestShortProcessesCompress$", "",
		},
		{
			"end a drain on a full disk before kept batches have made room", "schedule.go",
			"&& !p.outer.isTight() {",
			"{",
			"^TestShortProcessesMakeRoom$", "",
		},
		{
			"keep from the process that uploads that there is no room", "append.go",
			"	w.spool.markTight(full)\n",
			"",
			"^TestAppendOnlyHasRoomMade$", "",
		},
		{
			"upload a batch twice that waited when it was taken back", "inspect.go",
			"return again[b.id] })",
			"return again[b.id] && false })",
			"^TestBatchThatWaitsAndIsKept$", "",
		},
		{
			"take what can be read of a damaged batch for all of it", "archive/merge.go",
			"if u.Lacks > 0 {",
			"if u.Lacks > 0 && u.FetchCount == 0 {",
			"^TestDamagedBatchYieldsToAWholeCopy$", "",
		},
		{
			"open a closed day again whose metadata is gone", "closing.go",
			"if !known && obj.Version != \"\" {",
			"if !known && obj.Version == \"\" {",
			"^TestClosedDayStaysClosed$", "",
		},
		{
			"compress nothing where processes live for one fetch", "publisher.go",
			"	p.setPackDue(drained)\n",
			"",
			"^TestShortProcessesCompress$", "",
		},
		{
			"make an owner while another process does", "publisher.go",
			"lock, err := p.spool.lock(ownerLock)",
			"lock, err := p.spool.lock(ownerLock + p.spool.newID())",
			"^TestOwnerIsMadeOnce$", "",
		},
		{
			"acknowledge a whole batch before the fsync", "array.go",
			"errors.Join(err, f.Sync())\n}",
			"err\n}",
			atOnce, "",
		},
		{
			"upload what is not durable in pending", "publisher.go",
			"if err := p.spool.syncPending(); err != nil {",
			"if err := error(nil); err != nil {",
			between, "",
		},
		{
			"confirm before it is durable in uploaded", "keptbatch.go",
			"if err := s.fs.SyncDir(s.path(uploadedDir)); err != nil {\n\t\treturn err\n\t}\n\treturn s.remove",
			"if err := error(nil); err != nil {\n\t\treturn err\n\t}\n\treturn s.remove",
			between, "",
		},
		{
			"begin a new array without syncing its name", "array.go",
			"if err := a.fs.SyncDir(\".\"); err != nil {",
			"if err := error(nil); err != nil {",
			twoSeals, "",
		},
		{
			"trust pages after a failed fsync of a killed process", "recover.go",
			"f.array.rewrite || f.unclean,",
			"f.array.rewrite,",
			faults, "",
		},
		{
			"skip the second look", "publish.go",
			"after, err = w.lookResolved(ctx, next.seen.doc.lastSequence)\n",
			"if after, err = (snapshot{doc: next.doc}), w.resolve(ctx); reply != nil {\nafter, err = w.lookResolved(ctx, next.seen.doc.lastSequence)\n}\n",
			simulation, "-sim.seeds=30",
		},
		{
			"trust a 200", "publish.go",
			"w.rememberBody(next.seen, ",
			"if reply == nil {\nafter.ids = map[string]int{}\nfor i, id := range next.ids {\nafter.ids[id] = i + 1\n}\n}\nw.rememberBody(next.seen, ",
			simulation, "-sim.seeds=30",
		},
		{
			"trust a 412", "publish.go",
			"w.rememberBody(next.seen, ",
			"if errors.Is(reply, ErrConflict) {\nafter.ids = map[string]int{}\n}\nw.rememberBody(next.seen, ",
			simulation, "-sim.seeds=30",
		},
		{
			"join stale offsets to a new version", "publish.go",
			"sent, reply := w.write(ctx, ",
			"if o, err := w.cfg.Store.Stat(ctx, w.key()); err == nil {\nnext.seen.version = o.Version\n}\nsent, reply := w.write(ctx, ",
			simulation, "-sim.seeds=60",
		},
		{
			"make the id at each attempt", "batch.go",
			"ID: b.id}",
			"ID: w.cfg.newID()}",
			simulation, "-sim.seeds=10",
		},
		{
			"search only the last id", "daily.go",
			"for _, r := range slices.Backward(d.recent) {",
			"for _, r := range d.recent[max(len(d.recent)-1, 0):] {",
			simulation, "-sim.seeds=30",
		},
		{
			"take any error for no object", "publish.go",
			"obj, err := w.cfg.Store.Stat(ctx, key)\n\t\tif errors.Is(err, fs.ErrNotExist) {",
			"obj, err := w.cfg.Store.Stat(ctx, key)\n\t\tif err != nil || errors.Is(err, fs.ErrNotExist) {",
			"^TestFailedLookIsNoAbsence$", "",
		},
		{
			"do not split at the day", "spool.go",
			"case n > 0 && s.progress.Day != day:",
			"case false:",
			clockSet, "",
		},
		{
			"forget a day that is to be closed", "prune.go",
			"return spared[b.id]",
			"return spared == nil",
			"^TestDayToBeClosedIsRemembered$", "",
		},
		{
			"let a restart change a day's compression", "seal.go",
			"if last, ok := s.progress.last(day); ok {",
			"if last, ok := s.progress.last(day); ok && false {",
			simulation, "-sim.seeds=60",
		},
		{
			"leave an upload out of gzip's checksum", "daily.go",
			".Join(packed.ChecksumOf(head)).Join(u.sum)",
			".Join(packed.ChecksumOf(head))",
			simulation, "-sim.seeds=10",
		},
		{
			"do not settle an upload", "intent.go",
			"if !ok || in.Text == \"\" {",
			"if !ok || true {",
			"^TestLateCompleteTakesNothingBack$", "",
		},
		{
			"abort after Complete", "s3store/complete.go",
			"if ended, _ := s.hasEnded(ctx, *u); ended {",
			"s.abort(ctx, *u)\nif ended, _ := s.hasEnded(ctx, *u); ended {",
			"^TestS3PartsExactlyOnce$/linode/Complete", "",
		},
		{
			"send Complete before it is noted", "s3store/complete.go",
			"if err := saveIntent(sent.intent()); err != nil {",
			"if err := error(nil); err != nil {",
			"^TestS3PartsExactlyOnce$/linode/Complete", "",
		},
		{
			"forget a seal that was interrupted", "recover.go",
			"if b, ok := f.interruptedSeal(); ok {",
			"if b, ok := f.interruptedSeal(); ok && false {",
			twoSeals, "",
		},
		{
			"take a batch of the same fetches for the last one", "recover.go",
			"return newest, info.ID, err\n",
			"a, _ := s.readFile(s.array.name)\nb, _ := s.readFile(s.batchPath(newest))\nif bytes.Equal(a, b) {\ninfo, err = s.array.stat()\n}\nreturn newest, info.ID, err\n",
			alikeRuns, "",
		},
		{
			"copy a batch without saying so first", "seal.go",
			"if !s.progressSaved || !s.progress.Copied {",
			"if false {",
			alikeRuns, "",
		},
		{
			"do not say that a copied batch is over", "seal.go",
			"if s.progressSaved && !s.progress.Copied {",
			"if s.progressSaved {",
			alikeRuns, "",
		},
		{
			"take a copied batch for over", "recover.go",
			"f.hasProgress() && !f.progress.Copied && ",
			"f.hasProgress() && ",
			between, "",
		},
		{
			"seal the array that has just begun anew", "seal.go",
			"if s.array.broken {",
			"if false {",
			"^TestSealOfAnUploadedBatchIsNotRepeatedWithTheNextArray$", "",
		},
		{
			"keep an upload that the server cannot complete, where there is no object", "s3store/complete.go",
			"case lookErr != nil && !errors.Is(lookErr, errAbsent):",
			"case lookErr != nil:",
			"^TestUploadWithALostPartIsGivenUp$", "",
		},
		{
			"let the sum of a batch overflow", "batch.go",
			"u.Matches = addClamped(u.Matches, n)",
			"u.Matches += n",
			"^TestCountsThatOverflow", "",
		},
		{
			"let the total of a day overflow", "daily.go",
			"if b > math.MaxInt64-a {",
			"if false {",
			"^TestCountsThatOverflow", "",
		},
		{
			"resume a byte too late", "reader.go",
			"r.off += int64(n)\n",
			"if r.off += int64(n); err != nil && err != io.EOF {\nr.off++\n}\n",
			"^TestRead$/^resumes", "",
		},
		{
			"continue in a day that has other uploads", "linesource.go",
			"if !bytes.Equal(head, s.head) {",
			"if false && !bytes.Equal(head, s.head) {",
			"^TestRead$/^while_its_uploads", "",
		},
		{
			"continue in a compressed or foreign day that has other uploads", "uploads.go",
			"if !bytes.Equal(sum.Sum(nil), c.sum.Sum(nil)) {",
			"if false && !bytes.Equal(sum.Sum(nil), c.sum.Sum(nil)) {",
			"^TestRead$/^while_its_uploads", "",
		},
		{
			"read uploads that the day did not have when it was opened", "linesource.go",
			"min(pos, s.length), s.begin+s.length",
			"min(pos, s.length), now.doc.end",
			"^TestRead$/^while_it_grows", "",
		},
		{
			"read uploads that a compressed day did not have when it was opened", "uploads.go",
			"if c.replaced && c.number == ",
			"if false && c.number == ",
			"^TestRead$/^while_it_grows", "",
		},
		{
			"believe that a day ends where its uploads do", "linesource.go",
			"!bytes.Equal(text, want)",
			"false && !bytes.Equal(text, want)",
			"^TestRead$/^damaged", "",
		},
		{
			"believe the head of an upload", "internal/daytext/daytext.go",
			"|| !bytes.Equal(h.Append(nil), append(bytes.Clone(line), '\\n'))",
			"",
			"^TestOnlyTheLineOfAHeadIsOne$", "",
		},
		{
			"believe what a clock that was ahead has written", "state.go",
			"latest := now.Add(maxAhead)",
			"latest := now.AddDate(100, 0, 0)",
			"AClockThatWasAhead$|^TestClockThatIsSetBack$", "",
		},
		{
			"search for what comes after the target", "search.go",
			"case value >= to.want:",
			"case value > to.want:",
			"^TestSearch", "",
		},
		{
			"name a batch after a clock outside the years that have names", "seal.go",
			"}, checkClock(now, time.UTC)",
			"}, nil",
			"^TestClockOutside", "",
		},
		{
			"Accept-Encoding is signed, which proxies change", "s3store/middleware.go",
			"h.Del(header)",
			"_ = h",
			"TestS3ThroughAProxyThatChangesHeaders", "",
		},
		{
			"a web page is taken for an answer without an ETag", "s3store/middleware.go",
			`strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")`,
			`strings.HasPrefix(resp.Header.Get("Content-Type"), "no page")`,
			"TestS3AnswersFromBetween", "",
		},
		{
			"list the parts of an encrypted upload without the key", "s3store/encryption.go",
			`, "ListParts":`,
			":",
			"^TestCustomerKeyIsSentWhereItIsTaken$", "",
		},
		{
			"compare today with whole days", "internal/report/report.go",
			"if over.Last.Compare(today) >= 0 {",
			"if false {",
			"^TestOnlyWhatIsOverIsCompared$", "",
		},
		{
			"take a day that is not known for one with nothing on it", "internal/report/row.go",
			"return len(r.In(Known)) + len(r.In(Missing)) }",
			"return len(r.In(Known)) + len(r.In(Missing)) + len(r.In(Unknown)) }",
			"^TestDaysThatAreNotKnown$", "",
		},
		{
			"report of the object that a reader does not find", "internal/report/day.go",
			"other.pack < d.pack",
			"other.pack > d.pack",
			"^TestFindTellsWhyNothingIsKnown$", "",
		},
		{
			"let a name become markup", "internal/report/page.go",
			"args[i] = html.EscapeString(s)",
			"args[i] = s + html.EscapeString(s)[:0]",
			"^TestPageShowsNamesAsTheyAre$", "",
		},
		{
			"read the days of which only the size is needed", "archive.go",
			"func(_ context.Context, t *DayText, err error) (*DayText, error) { return t, err })",
			"func(ctx context.Context, t *DayText, err error) (*DayText, error) {\n\t\tif err == nil {\n\t\t\t_, err = t.reader(ctx)\n\t\t}\n\t\treturn t, err\n\t})",
			"^TestTextsReadNothing$", "",
		},
		{
			"take a stream that is too long", "internal/stream/stream.go",
			"case n > 0:",
			"case false:",
			"^TestFailures$", "",
		},
		{
			"read streams before the server has copied", "s3store/multipart.go",
			"send(false)\n\tsend(true)",
			"send(true)\n\tsend(false)",
			"^TestStreamIsNotReadWhereTheServerDoesNotCopy$", "",
		},
		{
			"buffer a stream in as large parts as data", "s3store/parts.go",
			"if streamed(parts) == 0 {",
			"if true {",
			"^TestPlanStreams$", "",
		},
		{
			"take a list that is broken off for whole", "s3store/list.go",
			"case !more:",
			"case !more || token == \"\":",
			"^TestOddLists$", "",
		},
		{
			"leave a copy of what was replaced meanwhile", "s3store/copy.go",
			"_, bad := s.source(ctx, from)",
			"_, bad := s.source(ctx, from)\n\tbad = nil",
			"^TestCopyOfWhatIsReplacedMeanwhile$", "",
		},
		{
			"complete a copy of what was replaced meanwhile", "s3store/multipart.go",
			"if err == nil && from.key != key {",
			"if false {",
			"^TestLargeCopy", "",
		},
		{
			"take any object for the copy", "internal/copymark/copymark.go",
			"return o.Meta[name] == mark(from, v, o.Size)",
			"return o.Meta[name] != \"\"",
			"^TestMark$", "",
		},
		{
			"dirstore.Store copies what was replaced meanwhile", "dirstore/write.go",
			"if err := s.checkVersion(from.key, from.version); from.key != key && err != nil {",
			"if err := s.checkVersion(from.key, from.version); false {",
			"^TestCopyOfWhatIsEdited$", "",
		},
		{
			"dirstore.Store ignores that a directory cannot be synced", "dirstore/dir.go",
			"if err := s.fs.SyncDir(dir); err != nil {",
			"if err := s.fs.SyncDir(dir); false {",
			"TestUnsyncedDirectoryIsAnError", "",
		},
		{
			"dirstore.Store does not sync the new name of an object", "dirstore/write.go",
			"if err := s.syncDirs(path.Dir(key)); err != nil {",
			"if err := error(nil); err != nil {",
			"TestUnsyncedDirectoryIsAnError", "",
		},
		{
			"dirstore.Store takes a directory that is gone for an empty one", "dirstore/store.go",
			"if here, err := s.at.root.Stat(\".\"); err == nil && os.SameFile(here, there) {",
			"if here, err := s.at.root.Stat(\".\"); err == nil && (true || os.SameFile(here, there)) {",
			"TestMissingDirectoryIsNotAnEmptyStore", "",
		},
		{
			"dirstore.Store writes though its lock was removed", "dirstore/write.go",
			"if !s.holds(key, lock) {",
			"if false {",
			"TestLockRemovedWhileWriting", "",
		},
		{
			"believe a HEAD that says there is no object", "s3store/stat.go",
			"if status := statusOf(err); status < 300 || status >= 500 {",
			"if statusOf(err) == http.StatusNotFound {\nreturn o, errAbsent\n}\nif status := statusOf(err); status < 300 || status >= 500 {",
			"^TestS3Absence$", "",
		},
		{
			"look with a HEAD where no condition protects", "s3store/stat.go",
			"if !s.proofs.completes() {",
			"if false {",
			"^TestHeadOfAProxyIsNotBelieved$|^TestS3Absence$|^TestSweepByTheServersClock$|^TestS3SmallUploadTakesThreeRequests$", "",
		},
		{
			"put without a proven condition", "s3store/write.go",
			"case proven.Put && total <= maxPut:",
			"case total <= maxPut:",
			"^TestWithoutConditionsEveryWriteIsAnUpload$", "",
		},
		{
			"share keys where races are lost", "s3store/capabilities.go",
			"{c.Atomic, ",
			"{c.IfMatch, ",
			"^TestSharingIsRefusedWhereRacesAreLost$", "",
		},
		{
			"take one refusal for proof", "s3store/proof.go",
			"maxRefused = 3 ",
			"maxRefused = 1 ",
			"^TestProofIsGivenUp$", "",
		},
		{
			"believe a proof of another host", "s3store/proof.go",
			"of := p.Host == s.host && p.Bucket",
			"of := p.Bucket",
			"^TestProofIsBelieved$", "",
		},
		{
			"believe a condition that let a stale version through", "s3store/proving.go",
			"v.found.Put = v.created && replaced && stale && v.now.holds(second)",
			"v.found.Put = v.created && replaced && (stale || second != nil)",
			"^TestProofOfHalfTheConditions$", "",
		},
		{
			"complete over another object", "s3store/resolve.go",
			"case (absent || o.Version == u.Old) && s.mayComplete(u):",
			"case s.mayComplete(u):",
			"^TestResolveNeverCompletesOverAnother$", "",
		},
		{
			"abort while Complete may be under way", "s3store/resolve.go",
			"if timeLeft(u.Sent) > 0 {",
			"if false {",
			"^TestResolveNeverCompletesOverAnother$", "",
		},
		{
			"believe that an upload is gone", "s3store/multipart.go",
			"if ended || codeOf(err) == \"AccessDenied\" {",
			"if ended || true {",
			"^TestAbortUntilItIsGone$", "",
		},
		{
			"complete without another look", "s3store/multipart.go",
			"if err == nil && !u.Conditions {",
			"if false {",
			"^TestMultipartLooksBeforeItCompletes$", "",
		},
		{
			"read the body of an error once its request is not sent any more", "s3store/guard.go",
			"resp.Body = readErrorBody(resp.Body)",
			"if b, ok := req.Body.(*sentBody); ok {\nb.end()\n}\nresp.Body = readErrorBody(resp.Body)",
			"^TestErrorIsReadWhileItsRequestIsSent$", "",
		},
		{
			"sweep what a note names", "s3store/resolve.go",
			"if u.Key != key || kept[u.Upload] || ",
			"if u.Key != key || ",
			"^TestSweepRemovesOnlyWhatIsAbandoned$", "",
		},
		{
			"sweep the upload that made the object", "s3store/resolve.go",
			"if len(parts) > 0 && mayConsistOf(o.Version, parts) {",
			"if len(parts) < 0 && mayConsistOf(o.Version, parts) {",
			"^TestSweepRemovesOnlyWhatIsAbandoned$", "",
		},
		{
			"write fetches of two days together", "append.go",
			"end < n && w.queue[end].day == day {",
			"end < n {",
			"^TestGroupIsSplitAtMidnight$", "",
		},
		{
			"give the append lock back before the mark is taken away", "rotatelog.go",
			"errors.Join(w.spool.closeClean(), w.spool.array.close(), w.lock.Close())",
			"errors.Join(w.lock.Close(), w.spool.closeClean(), w.spool.array.close())",
			"^TestMarkOfTheNextWriterStays$", "",
		},
		{
			"give the publish lock back at once", "publisher.go",
			"p.lock = lock ",
			"lock.Close()\n\tp.lock = lock ",
			"^TestOneProcessPublishesAtATime$", "",
		},
		{
			"write while an upload is not settled", "intent.go",
			"return storeError(\"resolve\", w.key(), err)",
			"return nil",
			"^TestUploadIsSettledBeforeTheNextWrite$", "",
		},
		{
			"take a batch for new whose name came back", "publish.go",
			"w.last.order < waiting[0].order {",
			"w.last.order <= waiting[0].order {",
			"^TestNameOfAConfirmedBatchComesBack$", "",
		},
		{
			"take a batch back without a sync", "keptbatch.go",
			"if err := s.syncPending(); err != nil {",
			"if err := error(nil); err != nil {",
			"^TestBatchTakenBackIsDurable$", "",
		},
		{
			"take a batch back under a name whose sync has failed", "keptbatch.go",
			"if err := s.remove(to); err != nil {\n\t\treturn b, err\n\t}\n\tfailed",
			"failed",
			"^TestBatchTakenBackAfterAFailedSync$", "",
		},
		{
			"leave the other form of a batch behind", "keptbatch.go",
			"return b, s.remove(s.batchPath(b.twin()))",
			"return b, nil",
			"^TestBothFormsOfABatchMoveTogether$", "",
		},
		{
			"rename a batch where there are no hard links", "batch.go",
			"content, err := s.readFile(from)\n\tif err != nil {\n\t\treturn err\n\t}\n\treturn s.writeFile(to, content)",
			"return s.fs.Rename(from, to)",
			"^(TestBatchTakenBackIsDurable|TestConfirmedNumbersAreNotGivenAgain)$", "",
		},
		{
			"confirm by a rename without a sync", "keptbatch.go",
			"if err := s.fs.Rename(from, to); err != nil {\n\t\treturn err\n\t}\n\tif err",
			"if true {\n\t\treturn s.fs.Rename(from, to)\n\t}\n\tif err",
			"^TestConfirmedBatchIsDurable$", "",
		},
		{
			"leave a batch confirmed whose name may not be durable", "keptbatch.go",
			"return errors.Join(err, s.fs.Rename(to, from))",
			"return err",
			"^TestConfirmationThatFails$", "",
		},
		{
			"close the day of another Writer", "inspect.go",
			"if err := w.checkOwner(seen); err != nil {\n\t\treturn seen, nil, err",
			"if err := error(nil); err != nil {\n\t\treturn seen, nil, err",
			"^TestClosingRespectsTheOwner$", "",
		},
		{
			"look at today's object for each fetch", "today.go",
			"if p.today.brief {",
			"if false {",
			"^TestFirstLookIsOneRequest$", "",
		},
		{
			"look while another process publishes", "today.go",
			"p.othersPublish() {",
			"false {",
			"^TestFirstLookLeavesThePublishLock$", "",
		},
		{
			"be ready though another Writer owns the object", "today.go",
			"err = w.checkOwnerIs(owner, seen)",
			"_ = owner",
			"^TestOpenReportsWithinSeconds$", "",
		},
		{
			"count a batch as waiting that is in the object", "today.go",
			"b.inObject = true",
			"b.inObject = false",
			"^TestToday", "",
		},
		{
			"count a sealed batch as unfinished too", "status.go",
			"if plan.resume != nil {",
			"if false {",
			"^TestInspectAfterKill$", "",
		},
		{
			"do not report a day on which nothing was appended", "publisher.go",
			"p.days[p.cfg.today()] = true\n",
			"",
			"^TestQuietDayIsReported$", "",
		},
		{
			"do not let Drain return a permanent error", "schedule.go",
			"if err := p.refusal(batches); err != nil {",
			"if err := error(nil); err != nil {",
			"^TestDrainReturnsAPermanentError$", "",
		},
		{
			"do not put the last body back", "inspect.go",
			"if len(l.body) > 0 {",
			"if false {",
			"^TestDeletedDayIsPutBack$", "",
		},
		{
			"put back what somebody had changed", "loss.go",
			"return e.changed && good[e.ID]",
			"return false",
			"^TestChangedUploadIsPutBackAsItWas$", "",
		},
		{
			"make a checksum for what somebody had changed", "entries.go",
			"e.SHA256 != sum; !e.changed {",
			"e.SHA256 != sum; true {",
			"^TestChangedUploadWithoutACopyShowsThat$", "",
		},
		{
			"have a spool supply what somebody had changed", "spoolreader.go",
			"if e.changed {",
			"if false {",
			"^TestChangedUploadIsNotRead$", "",
		},
		{
			"replace a body that holds more", "body.go",
			"if len(lacking(had, has)) > 0 {",
			"if len(lacking(had, has)) > 0 && false {",
			"^TestBodyIsNotReplacedByLess$", "",
		},
		{
			"write a body over the one that is kept", "body.go",
			"s.writeSpare(name+\".new\", append(line, '\\n'), body); err != nil {",
			"s.writeSpare(name, append(line, '\\n'), body); err == nil {\nreturn nil\n} else {",
			"^TestBodyIsNotReplacedByLess$", "",
		},
		{
			"do not sync a body", "body.go",
			"return f.Sync()",
			"return nil",
			"^TestDeletedDayAtEachCrash$", "",
		},
		{
			"believe the metadata of a version that is not known", "inspect.go",
			"case known && last.mayBecome(",
			"case known && seen.ids == nil || last.mayBecome(",
			"^TestFlippedDigitIsReported$/small", "",
		},
		{
			"do not report what somebody changed", "inspect.go",
			"w.reportChanged(differences(",
			"_ = fmt.Sprint(differences(",
			"^TestFlippedDigitIsReported$/small", "",
		},
		{
			"take a version of one's own for another's", "inspect.go",
			"return added > 0 && found == added && fetches == d.totals.Fetches",
			"return false",
			"^TestUnknownWriteIsNotAChange$", "",
		},
		{
			"believe that a closed day is another's", "inspect.go",
			"if wrote.isLike(after.doc) {",
			"if false {",
			"^TestOwnVersionsAreNotRead$", "",
		},
		{
			"tell what one evaluation has found", "alert/symptom.go",
			"s.Level = max(s.Level, min(s.Peak, f.Severity))",
			"s.Level = max(s.Level, f.Severity)",
			"^TestScenarios$", "",
		},
		{
			"take for over what is good for a moment", "alert/symptom.go",
			"if now.Sub(s.Below) >= goodFor {",
			"if true {",
			"^TestScenarios$", "",
		},
		{
			"take for over what could not be looked for", "alert/memory.go",
			"slices.Contains(s.Unknown, code) || ",
			"",
			"^TestScenarios$", "",
		},
		{
			"mail by night", "alert/memory.go",
			"return hour >= nightBegins || hour < morningComes",
			"return false && hour < morningComes",
			"^TestScenarios$", "",
		},
		{
			"wait for times of which the clock was set back", "alert/memory.go",
			"\tm.turnBack(l.Now)\n",
			"",
			"^TestScenarios$", "",
		},
		{
			"send a message before it is remembered", "alert/evaluator.go",
			"err := e.keep(place, m)\n\tif err == nil || knew {",
			"err := error(nil)\n\tif err == nil || knew {",
			"^TestKilledWhileSending$", "",
		},
		{
			"send again what has arrived", "alert/outbox.go",
			"d.Done = append(d.Done, r.mark())",
			"_ = d",
			"^TestServerThatFails$", "",
		},
		{
			"evaluate beside another", "alert/file.go",
			"lock, err := fsys.Lock(memoryLock)",
			"lock, err := io.Closer(fsys), error(nil)",
			"^TestOneEvaluatesAtATime$", "",
		},
		{
			"wait for a second evaluation that knows of none", "alert/evaluator.go",
			"m.evaluate(look, e.policy(), true)",
			"m.evaluate(look, e.policy(), false)",
			"^TestNothingCanBeRemembered$", "",
		},
		{
			"forget alerts on a full disk", "alert/file.go",
			"if vfs.NoSpace(err) {",
			"if false {",
			"^TestMemoryOnAFullDisk$", "",
		},
		{
			"call a damaged day verified", "alert/morning.go",
			"case len(found) > 0:",
			"case len(found) > 2:",
			"^TestMorning$", "",
		},
		{
			"call a day verified that was changed since", "cmd/rotatelog/morning.go",
			`Changed: version != "" && version != d.Version`,
			"Changed: false",
			"^TestStatusSaysGoodMorning$", "",
		},
		{
			"remember nothing of what verify finds for a program", "cmd/rotatelog/verify.go",
			"err != nil || spool == nil || row.err != nil || row.has(archive.NoCount) {",
			"err != nil || spool == nil || row.err != nil || row.has(archive.NoCount) || r.command.JSON {",
			"^TestVerifyLeavesWhatItFound$", "",
		},
		{
			"blame the day for a rule that counts nothing", "archive/counts.go",
			"!c.counts.counted && c.counts.no != nil",
			"false",
			"^TestVerifyByAWrongRule$", "",
		},
		{
			"blame the rule for a day whose counts are wrong", "archive/counts.go",
			"!c.counts.counted && c.counts.no != nil",
			"c.counts.no != nil",
			"^TestVerifyByAWrongRule$", "",
		},
		{
			"forget which columns an exported day lacks", "archive/exportmark.go",
			"s.Looked, s.Lacks = m.Looked, m.Lacks",
			"s.Looked, s.Lacks = m.Looked, nil",
			"^TestExportOfLacks$", "",
		},
		{
			"end a report of a store that is only slow", "cmd/rotatelog/silence.go",
			"func (s *heardStore) heard() { s.timer.Reset(s.limit) }",
			"func (s *heardStore) heard() {}",
			"^TestReportOfAStoreThatHangs$", "",
		},
		{
			"tell of the last gap for the longest", "archive/verified.go",
			"if f.To.Sub(f.From) > v.GapTo.Sub(v.GapFrom) {",
			"if f.Code == Gap {",
			"^TestVerifiedDays$", "",
		},
		{
			"say the URL of a receiver in an error", "alert/post.go",
			"if said == err.Error() {",
			"if said != \"\" {",
			"^TestErrorQuotesNoSecret$", "",
		},
		{
			"lose a message to a redirect", "alert/post.go",
			"resp, err := transport.RoundTrip(req)",
			"resp, err := (&http.Client{Transport: transport}).Do(req)",
			"^TestServerThatFails$", "",
		},
		{
			"let mails push out a page", "alert/outbox.go",
			"return !d.wakes()",
			"return true",
			"^TestMailsPushOutNoPage$", "",
		},
		{
			"forget what nobody has heard of", "alert/memory.go",
			"c.Lost = true",
			"c.Lost = false",
			"^TestWhatIsGivenUpIsSaidAnew$", "",
		},
		{
			"name all streams in a title", "alert/message.go",
			"few(a.Streams, maxNamed, \", \")",
			"strings.Join(a.Streams, \", \")",
			"^TestMessageOfManyStreams$", "",
		},
		{
			"give a command the keys of the environment", "alert/command.go",
			"cmd.Env = harmless(os.Environ())",
			"cmd.Env = os.Environ()",
			"^TestCommandGetsTheMessage$", "",
		},
		{
			"wait for the body of a request to the page", "dashboard/handler.go",
			"if r.ContentLength != 0 { // the server",
			"if false { // the server",
			"^TestNoBodyIsWaitedFor$", "",
		},
		{
			"remember that a spool could not be read", "internal/spoolwatch/spoolwatch.go",
			"w.err != nil || len(w.spool.Problems) > 0",
			"false",
			"^TestFailureIsNotRemembered$", "",
		},
		{
			"say that all is well while a page cannot be sent", "alert/evaluator.go",
			" || m.Outbox.stuck()",
			"",
			"^TestHeartbeat$", "",
		},
		{
			"judge a day before it can be uploaded", "health/days.go",
			"return v.Now.Sub(begin) >= wait && !v.inGrace()",
			"return !v.inGrace()",
			"^TestDailyRulesAreSilent$", "",
		},
		{
			"expect as many fetches of 23 hours as of 24", "health/days.go",
			"expected := float64(v.expectedOn(day))",
			"expected := float64(24 * time.Hour)",
			"^TestFetchesShort$", "",
		},
		{
			"find a break of the leagues each time", "health/matches.go",
			"(perFetch == 0 || perFetch < slices.Min(usual))",
			"true",
			"^TestDailyRulesAreSilent$", "",
		},
		{
			"warn of a day that is too large when it is over", "health/keeping.go",
			"days = append(slices.Clip(days), d)",
			"_ = d",
			"^TestDayLarge$", "",
		},
		{
			"take an object whose totals are lost for an empty day", "health/days.go",
			"d.Totals.Day == day && d.Totals.Uploads > 0",
			"d.Totals.Day == day",
			"^TestDayOpen$", "",
		},
		{
			"take an answer to another question for a setting that is off", "s3store/bucketsettings.go",
			"case err == nil && a.is == a.want:",
			"case err == nil:",
			"^TestBucketSettingsOfServers$", "",
		},
		{
			"let a rule abort uploads that may be in use", "cmd/rotatelog/bucketnow.go",
			"r.AbortAfter > 0 && r.AbortAfter < abortAfter",
			"false",
			"^TestBucketThatIsSetUpOtherwise$", "",
		},
		{
			"print a rule that deletes days, enabled", "cmd/rotatelog/bucketrules.go",
			`Status: "Disabled"`,
			`Status: "Enabled"`,
			"^TestSetUpOfABucket$", "",
		},
		{
			"take an export of another stream for the day", "internal/dayfiles/dayfiles.go",
			"m == nil || m[2] != stream",
			"m == nil",
			"^TestDaysOfAnExportAreFound$", "",
		},
		{
			"ask for days of which the store lists none", "cmd/rotatelog/statusdays.go",
			"if notListed == nil {",
			"if false {",
			"^TestStatusAsksTheStore$", "",
		},
		{
			"do not use the reserve for what uploading needs", "spool.go",
			"s.reserve.Take(spare) == nil; try++ {",
			"false; try++ {",
			"^TestReserveWrites", "",
		},
		{
			"overwrite a file that a power cut may give back to the reserve", "internal/reserve/reserve.go",
			"return r.fs.SyncDir(r.dir)",
			"return nil",
			"^TestReserveAcross", "",
		},
		{
			"do not seal on a full disk", "array.go",
			"if vfs.NoSpace(err) && len(a.records) == 0 {",
			"if false {",
			"^TestFullDiskSeals", "",
		},
		{
			"let fetches have what belongs to the reserve", "spool.go",
			"if err := s.reserve.Fill(); vfs.NoSpace(err) {",
			"if err := s.reserve.Fill(); false {",
			"^TestFullDiskKeepsTheReserve", "",
		},
		{
			"do not open on a full disk", "recover.go",
			"if vfs.NoSpace(err) {\n\t\ts.array.broken, err = true",
			"if false {\n\t\ts.array.broken, err = true",
			"^TestFullDiskOpens", "",
		},
		{
			"delete confirmed batches that were not seen", "prune.go",
			"if !s.mayPrune(b) {",
			"if false {",
			"^TestFullDiskKeepsLastCopies$", "",
		},
		{
			"delete a batch before its compressed form is durable", "compresskept.go",
			"if err := s.fs.SyncDir(s.path(uploadedDir)); err != nil {",
			"if err := error(nil); err != nil {",
			"^TestCrashWhileCompressing$", "",
		},
		{
			"rename a compressed batch that is not synced", "compresskept.go",
			"if err := vfs.SyncFile(f); err != nil {",
			"if err := error(nil); err != nil {",
			"^TestCrashWhileCompressing$", "",
		},
		{
			"do not read back what was compressed", "compresskept.go",
			"return was, readBack(f, text())",
			"return was, nil",
			"^TestCompressorThatErrs$", "",
		},
		{
			"compress no other batch while one cannot be read", "compresskept.go",
			"if !tried {",
			"if !tried || true {",
			"^TestBatchThatCannotBeCompressed$", "",
		},
		{
			"empty what may become a batch", "compresskept.go",
			"err := s.fs.Rename(s.compressing(), dropped)",
			"dropped = s.compressing()\n\tvar err error",
			"^TestRoomIsNotTakenOfACompleteBatch$", "",
		},
		{
			"believe a frame that is damaged", "keptbatch.go",
			"if err := checkFrame(f); err != nil {",
			"if err := error(nil); err != nil {",
			"^TestSpoolReaderReadsBothForms$", "",
		},
		{
			"compress the batch that was sealed last", "keeping.go",
			"stays := i == len(all)-1 || ",
			"stays := ",
			"^TestToCompress$", "",
		},
		{
			"lose the link when a batch is written again", "lastlink.go",
			"linked := err == nil && s.isFile(b, info.ID)",
			"linked := err == nil && s.isFile(b, info.ID) && false",
			"^TestLinkFollowsABatchThatIsWrittenAgain$", "",
		},
		{
			"take a file of somebody else for the link", "lastlink.go",
			"if !s.ownsLast() {",
			"if false {",
			"^TestLinkOfSomebodyElseStays$", "",
		},
		{
			"read once where batches get other names", "batch.go",
			"err == nil && slices.Equal(names, again) {",
			"err == nil {",
			"^TestBatchIsRenamedWhileItsDirectoryIsRead$", "",
		},
		{
			"look once for batches that may move", "batch.go",
			"if err == nil && slices.Equal(pending, again) {",
			"if err == nil {",
			"^TestBatchThatMoves", "",
		},
		{
			"keep the lines of appends that failed", "array.go",
			"a.lines = a.lines[:kept]",
			"_ = kept",
			"^TestFailedAppendsLeaveNoLines$", "",
		},
		{
			"indent whatever comes", "config.go",
			"if rawjson.IndentedSize(fetch) > maxIndented*len(fetch)+4<<10 {",
			"if false {",
			"^TestDeepFetch", "",
		},
		{
			"leave a spool open to other users", "spool.go",
			"err = s.fs.Chmod(s.dir, 0o700)",
			"err = nil",
			"^TestLooseSpool", "",
		},
		{
			"restore without keeping what is there", "archive/restore.go",
			"if p.Version != \"\" {\n\t\tp.Aside, p.tried",
			"if false {\n\t\tp.Aside, p.tried",
			"^TestBrokenDayIsRestored$", "",
		},
		{
			"restore a foreign day without what its program wrote", "archive/foreign.go",
			"f.render(e, place, ours)",
			"",
			"^TestDayOfTheOldScriptIsRestored$", "",
		},
		{
			"put back what another source has", "archive/partial.go",
			"if !s.take(fetch) {",
			"if !s.take(fetch) || true {",
			"^TestWhatIsLeftOfAnUpload$", "",
		},
		{
			"put an unfinished batch back beside what it became", "archive/made.go",
			"if s.take(fetch) {",
			"if false {",
			"^TestCopyOfTheSpoolIsASource$", "",
		},
		{
			"leave what is left of an upload beside the whole of it", "archive/loose.go",
			"if err := m.takeBack(count); err != nil {",
			"if err := error(nil); err != nil {",
			"^TestWholeOfAnUploadTurnsUp$", "",
		},
		{
			"take fetches that are alike for one", "archive/stock.go",
			"s[k]--",
			"",
			"^TestFetchesThatAreAlike$", "",
		},
		{
			"drop one of two texts under an id", "archive/merge.go",
			"others = append(others, u)",
			"",
			"^TestSameIDTwiceIsRestored$", "",
		},
		{
			"restore a batch by another rule than the day's", "archive/counting.go",
			"p.Uncounted = true",
			"",
			"^TestRuleIsNamed$", "",
		},
		{
			"restore a deleted day in the form of the configuration", "archive/restore.go",
			"} else if known {",
			"} else if false && known {",
			"^TestCompressionByTheSpool$", "",
		},
		{
			"leave what was read of a mirror open", "archive/source.go",
			"u.Close = c.texts.close",
			"",
			"^TestRestoreClosesWhatItReads$", "",
		},
		{
			"verify a mixture of two versions", "archive/verify.go",
			"if err == nil && c.Worst() == Error {",
			"if false {",
			"^TestVerifyWhileTheDayIsReplaced$", "",
		},
		{
			"take a day over beside an open upload", "archive/takeover.go",
			"if !t.AbortOpen {",
			"if false {",
			"^TestTakeoverOfAnUploadUnderWay$", "",
		},
		{
			"compare what another rule counts", "archive/verify.go",
			"case !checked || !counts:",
			"case !checked:",
			"^TestSpoolIsReadByAnotherRule$", "",
		},
		{
			"hold a value of another program, however long", "archive/foreign.go",
			"rawjson.NewLimitedDecoder(f.in, c.opts.MaxFetchBytes)",
			"rawjson.NewLimitedDecoder(f.in, 0)",
			"^TestMadeObjectsAreVerifiedInBoundedMemory$", "",
		},
		{
			"take over beside an open upload of another form", "archive/takeover.go",
			"{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip}",
			"{t.Compression}",
			"^TestTakeoverOfAnUploadOfAnotherForm$", "",
		},
		{
			"take a day over that another machine has taken over", "archive/takeover.go",
			"d.Adopt(ctx, t.Version, t.Owner)",
			"d.Adopt(ctx, t.Version, obj.Meta[\"rotatelog-owner\"])",
			"^TestThreeMachinesTakeOverADay$", "",
		},
		{
			"adopt a day of the old script as it is", "layout.go",
			"d.after += \" \"",
			"",
			"^TestTwoMachinesAdoptADayOfTheOldScript$", "",
		},
		{
			"believe that a copy is like the object", "archive/restore.go",
			"if same, err := sameBytes(a, b); err != nil || !same {",
			"if same, err := sameBytes(a, b); false {\n_ = same",
			"^TestCopyIsCompared$", "",
		},
		{
			"take what the old script did not count for none", "archive/sums.go",
			"if c.uncounted {",
			"if false {",
			"^TestDayThatOnlyTheOldScriptWrote$", "",
		},
		{
			"verify the same part of the days each day", "archive/sample.go",
			"(serial(today)-serial(day)-1)",
			"(serial(day))",
			"^TestVerifyOfASample$", "",
		},
		{
			"forget what another has verified", "archive/verified.go",
			"days = append(days, verifiedDay(r, now))",
			"days = []VerifiedDay{verifiedDay(r, now)}",
			"^TestVerifiedDaysSavedAtOnce$", "",
		},
		{
			"export what was changed", "archive/exportreader.go",
			"if head.Checksum(x.sum) != u.SHA256 {",
			"if head.Checksum(x.sum) != u.SHA256 && false {",
			"^TestExportRefusesADamagedDay$", "",
		},
		{
			"export what no checksum holds without reading it", "archive/exportreader.go",
			"if _, err := x.finder.CheckObject(fetch, 0); err != nil {",
			"if false {",
			"^TestExportRefusesADamagedDay$", "",
		},
		{
			"overlook a name that clashes if it is escaped", "archive/exportreader.go",
			" || bytes.Contains(fetch, []byte(`\\u005`))",
			"",
			"^TestExportRefusesNamesThatClash$", "",
		},
		{
			"take a day that has grown for exported", "archive/exportmark.go",
			" || m.Version != s.Version",
			"",
			"^TestExportGoesOn$", "",
		},
		{
			"take what another export has left for one's own", "archive/exportmark.go",
			"info.Size() != m.Size || info.ModTime().UnixNano() != m.Written",
			"info == nil",
			"^TestExportGoesOn$", "",
		},
		{
			"leave half of an export", "archive/exportfile.go",
			"os.Remove(p.temp)",
			"",
			"^TestExportThatFailsLeavesNothing$", "",
		},
		{
			"replace an export by nothing", "archive/exportfolder.go",
			"case !s.opts.Again:",
			"case false:",
			"^TestExportWithoutRows$", "",
		},
		{
			"put a fetch back that was delivered again after a takeover", "archive/redelivered.go",
			"waited[b.ID] = true",
			"",
			"^TestRedeliveryAfterATakeover$", "",
		},
		{
			"restore again what an earlier restore has put back of a batch", "archive/redelivered.go",
			"for _, u := range m.made {\n\t\tif err := s.addUpload(u, true)",
			"for _, u := range m.made[:0] {\n\t\tif err := s.addUpload(u, true)",
			"^TestRedeliveryAfterATakeover$", "",
		},
		{
			"export an object as it is without a look whether it still is", "archive/exporter.go",
			"if s.opts.Raw && err == nil || errors.Is(err, rotatelog.ErrDamaged) {",
			"if errors.Is(err, rotatelog.ErrDamaged) {",
			"^TestExportWhileTheWriterAppends$", "",
		},
		{
			"call a day damaged of which a server mixes two versions", "archive/exporter.go",
			"if s.opts.Raw && err == nil || errors.Is(err, rotatelog.ErrDamaged) {",
			"if s.opts.Raw && err == nil {",
			"^TestExportWhileTheWriterAppends$", "",
		},
		{
			"export a half of a day that has two objects", "archive/exporter.go",
			"if other == key {",
			"if other != \"\" {",
			"^TestExportOfADayWithTwoObjects$", "",
		},
		{
			"export a day that was deleted meanwhile as one that never was", "uploads.go",
			"\"%w: it was deleted: %v\", ErrReplaced, err)",
			"\"%w: it was deleted: %w\", ErrReplaced, err)",
			"^TestRead$/while_it_becomes_another", "",
		},
		{
			"end a foreign day with what was put in before its end", "uploads.go",
			"if u != nil && (u.Timestamp != doc.last",
			"if doc.layout() != foreign && u != nil && (u.Timestamp != doc.last",
			"^TestReadWhileAGapOfAForeignDayIsFilled$", "",
		},
		{
			"compare the end of a foreign day before it was read", "uploads.go",
			"for c.number > 0 {",
			"for c.number > 0 && c.err != nil {",
			"^TestReadWhileAGapOfAForeignDayIsFilled$", "",
		},
		{
			"write an export over the local file", "cmd/rotatelog/outputfile.go",
			"if isOurs {",
			"if isOurs && name == \"\" {",
			"^TestOutputSparesTheStream$", "",
		},
		{
			"abort an upload that is young", "s3store/openuploads.go",
			"left > 0",
			"left > completeLasts",
			"^TestOpenUploads$", "",
		},
		{
			"call well what could not be looked for", "prom/metrics.go",
			"if !slices.Contains(blind, code) {",
			"if true || slices.Contains(blind, code) {",
			"^TestFindings$", "",
		},
		{
			"take a spool's counters from more than the month, of which days fall out", "prom/snapshot.go",
			"if c.Day.Year == today.Year && c.Day.Month == today.Month {",
			"if c.Day.Compare(today) <= 0 {",
			"^TestMonthIsNeverForgotten$", "",
		},
		{
			"remember a file of a spool that may change and keep its time", "diskmemory.go",
			"now.Sub(info.ModTime) > tick",
			"now.Sub(info.ModTime) > -tick",
			"^TestInspectorNoticesEachChange$", "",
		},
		{
			"remember what is gone from a spool", "diskmemory.go",
			"{ r.before, r.now = r.now, map[string]recalled[T]{} }",
			"{ if r.now == nil { r.now = map[string]recalled[T]{} } }",
			"^TestInspectorForgets$", "",
		},
		{
			"take a spool for unchanged that may have changed within a tick", "internal/spoolwatch/spoolwatch.go",
			"settled(stamps)",
			"stamps",
			"^TestSpoolIsReadWhenItChanges$", "",
		},
		{
			"read the spool for each who scrapes", "prom/reader.go",
			"0 <= age && age < leastPause",
			"age < 0",
			"^TestReadsOnlyWhatHasChanged$", "",
		},
		{
			"keep who listens to the page and does not read", "dashboard/listener.go",
			"\t\tdefault:\n\t\t\tb.drop(l)",
			"\t\tdefault:",
			"^TestSlowListenersAreDropped$", "",
		},
		{
			"read the spool for each who looks at the page", "dashboard/board.go",
			"0 <= age && age < pause",
			"0 <= age && age < pause/2",
			"^TestOneReadingASecond$", "",
		},
		{
			"show the page to who has no token", "dashboard/handler.go",
			"subtle.ConstantTimeCompare(given[:], want[:]) == 1",
			"subtle.ConstantTimeCompare(given[:], want[:]) >= 0",
			"^TestTokenIsAskedFor$", "",
		},
		{
			"let the page run what somebody puts into it", "dashboard/page.go",
			`"; style-src " + sum(style())`,
			`" 'unsafe-inline'; style-src " + sum(style())`,
			"^TestPolicyIsStrict$", "",
		},
		{
			"read again what another process has refused", "lastreading.go",
			"if r == nil || r.Most != w.longestFetch() {",
			"if true {",
			"^TestRefusedVersionIsReadOnceByProcesses$", "",
		},
		{
			"never read again what was refused once", "lastreading.go",
			"return r.err == nil || 0 <= age && age < rereadAfter",
			"return age >= 0",
			"^TestRefusedVersionIsReadOnceByProcesses$", "",
		},
		{
			"read a day again for each write that is refused", "publish.go",
			"w.remember(obj, v, nil)\n",
			"",
			"^TestUnwrittenDayIsReadOnce$", "",
		},
		{
			"take a version that was refused for what was seen", "inspect.go",
			"ok && !seen.Unseen {",
			"ok {",
			"^TestRefusedVersionHidesNoLoss$", "",
		},
		{
			"sweep only the last days", "sweep.go",
			"done := p.swept[day]\n",
			"done := p.swept[day] || len(p.swept) > sweptDays\n",
			"^TestReplayedDaysAreSwept$", "",
		},
		{
			"give the server as little time to copy a part as to answer", "s3store/uploads.go",
			"UploadPartCopy(context.WithValue(ctx, stallLimitKey{}, serverWork), in, opts...)",
			"UploadPartCopy(ctx, in, opts...)",
			"^TestServerMayWorkForTwoMinutes$", "",
		},
		{
			"blame the client for a server that does not copy", "s3store/probe_trial.go",
			"|| errors.Is(reply, errNotCopied)):",
			"):",
			"^TestProbe$", "",
		},
		{
			"have a day wait for another with the same lock", "schedule.go",
			"if other.day.day == w.day.day {",
			"if lockOf(other.day.day) == lockOf(w.day.day) {",
			"^TestDayThatIsHardToReadDelaysNoOther$", "",
		},
		{
			"give the lock of a day back that another has still", "daylock.go",
			"if l.days--; l.days == 0 {",
			"if l.days--; l.days >= 0 {",
			"^TestDaysWithTheSameLock$", "",
		},
		{
			"let today wait for another day", "schedule.go",
			"if (other.day.day == today) != (w.day.day == today) {",
			"if false {",
			"^TestDaysDoNotWaitForEachOther$", "",
		},
		{
			"take what is confirmed in another place for this one's", "place.go",
			"return b.place == p.mark() }",
			"return true }",
			"^TestAnotherPlaceIsNoLoss$", "",
		},
		{
			"upload what may be in another place already", "intent.go",
			"return ok && (slices.Contains(in.IDs, b.id) ||",
			"return ok && false && (slices.Contains(in.IDs, b.id) ||",
			"^TestDoubtfulBatchWaitsForItsPlace$", "",
		},
		{
			"report that another Writer was faster", "dayworker.go",
			"if errors.Is(err, errContended) && w.retry.failures < patientRaces {",
			"if false {",
			"^TestContentionIsNoFailure$", "",
		},
		{
			"never report that a server refuses each write", "dayworker.go",
			"if errors.Is(err, errContended) && w.retry.failures < patientRaces {",
			"if errors.Is(err, errContended) {",
			"^TestEndlessContentionIsReported$", "",
		},
		{
			"wait in vain for a batch that the disk cannot read", "batch.go",
			"if !errors.Is(err, syscall.EIO) || b.sequence > 0 {",
			"if !errors.Is(err, syscall.EIO) || b.sequence >= 0 {",
			"^TestBatchThatCannotBeRead$", "",
		},
		{
			"take weak ETags of parts as they come", "s3store/uploads.go",
			`strings.TrimPrefix(strings.TrimSpace(aws.ToString(etag)), "W/")`,
			"strings.TrimSpace(aws.ToString(etag))",
			"^TestWeakETagsOfParts$", "",
		},
		{
			"give up when an ETag is missing for an instant", "s3store/etag.go",
			"|| try == lookTries ||",
			"|| try > 0 ||",
			"^TestMissingETagIsAskedForAgain$", "",
		},
		{
			"take an answer from the middle of a write for a failure", "s3store/etag.go",
			`|| statusOf(err) == http.StatusInternalServerError && codeOf(err) == "UnknownError"`,
			"",
			"^TestReplacedObjectIsAskedForAgain$", "",
		},
		{
			"take 405 and 411 for failures of the network", "s3store/proving.go",
			"case http.StatusNotImplemented, http.StatusMethodNotAllowed, http.StatusLengthRequired:",
			"case http.StatusNotImplemented:",
			"^TestCopyingIsTriedAgain$", "",
		},
		{
			"judge the age of an upload by this machine's clock", "s3store/resolve.go",
			"now.Sub(*listed.Initiated) < abandoned",
			"time.Since(*listed.Initiated) < abandoned",
			"^TestSweepByTheServersClock$", "",
		},
		{
			"send more than 5 GiB in one part", "s3store/parts.go",
			"l.splitSent(body, size, l.maxBody, maxStream)",
			"l.splitSent(body, size, 1<<60, maxStream)",
			"^TestPlanSplitsBodies$", "",
		},
		{
			"leave a temporary file under its name", "s3store/body.go",
			"if os.Remove(f.Name()) != nil {",
			`if f.Name() != "" {`,
			"^TestKilledProcessLeavesNoTemporaryFile$", "",
		},
		{
			"take an endpoint that names the bucket", "s3store/check.go",
			"if err := checkBucketIn(u, bucket); err != nil {",
			"if err := checkBucketIn(u, bucket); err != nil && false {",
			"^TestS3Unusable$", "",
		},
		{
			"encode a key", "s3store/print.go",
			`key = new("(not shown)")`,
			"key = new(string(o.EncryptionKey))",
			"^TestNoSecretIsEncoded$", "",
		},
		{
			"call a file that begins with a mark invalid", "internal/jsonstream/jsonstream.go",
			"if len(rest) > 0 && !r.skipBOM() {",
			"if len(rest) > 0 {",
			"^TestReaderReturnsValuesAndErrors$", "",
		},
		{
			"print a key that is no part of a URL", "cmd/rotatelog/doctor.go",
			"if storeurl.MayHoldKey(value) {",
			"if false {",
			"^TestDoctorHidesKeysInSettings$", "",
		},
		{
			"call a stream good of which nothing is known", "internal/status/status.go",
			"return s.Blind != nil || len(s.Problems) > 0",
			"return len(s.Problems) > 0",
			"^TestWhatCannotBeSeenIsNotGood$", "",
		},
		{
			"call a stream good before its first fetch", "internal/status/status.go",
			"rank = max(rank, 1)",
			"rank = max(rank, 0)",
			"^TestWhatCannotBeSeenIsNotGood$", "",
		},
		{
			"say of a directory that it is a bucket", "dashboard/place.go",
			`return place{"directory", store}`,
			`return place{"bucket", store}`,
			"^TestWordsOfTiles$", "",
		},
		{
			"say what cannot be seen before what is critical", "dashboard/parts.go",
			"slices.SortStableFunc(all, func(a, b *article) int { return cmp.Compare(b.rank, a.rank) })",
			"slices.SortStableFunc(all, func(a, b *article) int { return 0 })",
			"^TestWorstComesFirst$", "",
		},
		{
			"call a day missing before the first object", "dashboard/calendar.go",
			"d.fetches < 0 && !begunBefore(f, day)",
			"d.fetches < 0 && false",
			"^TestMissingDaysOfTheCalendar$", "",
		},
		{
			"count on the page what a Writer knew when it was closed", "dashboard/today.go",
			"closed := n < t.fetches",
			"closed := n < 0",
			"^TestWriterIsClosedWhileSomebodyListens$", "",
		},
		{
			"judge by days of a calendar that status does not ask for", "health/days.go",
			"if !slices.Contains(asked, d.Totals.Day) {",
			"if len(asked) == 0 {",
			"^TestMoreDaysChangeNoJudgement$", "",
		},
		{
			"take what serve could not look for at first for gone", "cmd/rotatelog/servefacts.go",
			"fact.blindTo = allOfTheStore()",
			"fact.blindTo = nil",
			"^TestServeFactsOfSettingsThatFailAtOnce$", "",
		},
		{
			"count fetches of one time on the page once", "dashboard/history.go",
			"if n++; n <= h.same {",
			"if n++; n > 0 {",
			"^TestHistoryCountsEachFetchOnce$", "",
		},
		{
			"show the page to a page of another name", "cmd/rotatelog/serveaccess.go",
			"if !isLoopback(host) {\n\t\t\tw.Header",
			"if false && !isLoopback(host) {\n\t\t\tw.Header",
			"^TestServeAnswersToItsOwnNames$", "",
		},
		{
			"read the spools again for the metrics beside the page", "cmd/rotatelog/servepage.go",
			"collector.Add(prom.Stream{Name: s.Name, Options: s.Options, Look: look})",
			"func() error { _ = look; return collector.Add(prom.Stream{Name: s.Name, Dir: s.Dir, Options: s.Options}) }()",
			"^TestServeLooksOnceForAll$", "",
		},
		{
			"judge at once when serve is started", "cmd/rotatelog/servealerts.go",
			"look.Started = s.started",
			"_ = s.started",
			"^TestServeTells$", "",
		},
		{
			"take for over what the store could not be asked for", "cmd/rotatelog/servealerts.go",
			"status.blindTo = s.facts.blindTo(of.Name)",
			"",
			"^TestServeKeepsWhatItCannotAskFor$", "",
		},
	}
}

// TestMutationsApply: each defect can be put into the code as it is, and what
// notices it tries no more than an ordinary run does.
func TestMutationsApply(t *testing.T) {
	for _, m := range mutations() {
		mutated(t, m)
		m.packages(t)
		for _, arg := range strings.Fields(m.args) {
			n, err := strconv.Atoi(strings.TrimPrefix(arg, "-sim.seeds="))
			if err != nil || m.run != simulation || n > usualSeeds {
				t.Errorf("%s: %s is not part of an ordinary run of %s", m.name, arg, m.run)
			}
		}
	}
}

// packages returns where the tests that catch it are: beside the file, or in the root.
func (m mutation) packages(t *testing.T) []string {
	t.Helper()
	names := regexp.MustCompile(`Test\w+`).FindAllString(m.run, -1)
	var found []string
	for _, dir := range slices.Compact([]string{".", filepath.Dir(m.file)}) {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(files, func(file string) bool {
			source, err := os.ReadFile(file)
			return err == nil && slices.ContainsFunc(names, func(name string) bool {
				return bytes.Contains(source, []byte("\nfunc "+name))
			})
		}) {
			found = append(found, "./"+dir)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s: there is no test %s", m.name, m.run)
	}
	return found
}

// mutated returns the file with the defect.
func mutated(t *testing.T, m mutation) string {
	t.Helper()
	source, err := os.ReadFile(m.file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), m.old); n != 1 {
		t.Fatalf("the mutation %q no longer applies: %s has %d times %q", m.name, m.file, n, m.old)
	}
	return strings.Replace(string(source), m.old, m.new, 1)
}
