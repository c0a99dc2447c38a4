package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// likeEvents is the shape of the log's table, with an ordinary sequence for the positions.
const likeEvents = `
create table events (
    position    bigserial   primary key,
    stream      text        collate "C" not null,
    version     int         not null,
    type        text        collate "C" not null,
    data        json        not null,
    meta        json        not null,
    append      bigint      not null,
    recorded_at timestamptz not null default clock_timestamp(),
    unique (stream, version)
)`

// insertOne is what pgbench runs: one row of the size of a stay notice, in a transaction of its own.
func insertOne() string {
	return `\set n random(1, 9000000000000000000)
insert into events (stream, version, type, data, meta, append) values ('notice-' || :n, 1,
 'accommodation.stay_notified.v1', '` + inScript(sampleData) + `', '` + inScript(sampleMeta) + `', :n);
`
}

// inScript writes JSON so that pgbench does not take "20:07" for a variable.
func inScript(json string) string {
	spaced := strings.ReplaceAll(json, `":`, `": `)
	return regexp.MustCompile(`:(\w)`).ReplaceAllString(spaced, `\u003a$1`)
}

// pgbench is the baseline of what is measured beside the running system, measured once per run.
func (l *system) pgbench(ctx context.Context) (perSecond float64, err error) {
	if l.baseline == 0 {
		l.baseline, err = l.insertRows(ctx, "bench_pgbench")
	}
	return l.baseline, err
}

// insertRows measures single-row inserts by 64 clients into a table of the log's shape, in a database of its own.
func (l *system) insertRows(ctx context.Context, database string) (perSecond float64, err error) {
	program, err := findPgbench()
	if err != nil {
		return 0, err
	}
	url, err := l.Fresh(ctx, database)
	if err != nil {
		return 0, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	_, err = conn.Exec(ctx, likeEvents)
	_ = conn.Close(ctx) // pgbench has connections of its own
	if err != nil {
		return 0, fmt.Errorf("make the table: %w", err)
	}
	script := filepath.Join(l.Dir, "insert.sql")
	if err := os.WriteFile(script, []byte(insertOne()), 0o600); err != nil {
		return 0, fmt.Errorf("write the script: %w", err)
	}
	clients := strconv.Itoa(lab.Connections)
	command := exec.CommandContext(ctx, program, "-n", "-c", clients, "-j", "2",
		"-T", strconv.Itoa(l.args.Seconds), "-f", script, url)
	output, err := command.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("run pgbench: %w: %s", err, bytes.TrimSpace(output))
	}
	perSecond, err = tps(output)
	return perSecond, errors.Join(err, l.deserted(ctx, database))
}

// deserted waits until nobody is connected to a database any more: processes that are about to end would be missing in what the
// system has spent.
func (l *system) deserted(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, l.Demo.Postgres)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	return lab.Poll(ctx, func() error {
		var connected int
		err := conn.QueryRow(ctx, `select count(*) from pg_stat_activity where datname = $1`, database).Scan(&connected)
		if err == nil && connected > 0 {
			err = fmt.Errorf("%d are connected to %s", connected, database)
		}
		return err
	})
}

// tps reads pgbench's own figure.
func tps(output []byte) (float64, error) {
	found := regexp.MustCompile(`tps = ([0-9.]+)`).FindSubmatch(output)
	if found == nil {
		return 0, fmt.Errorf("pgbench printed no figure: %s", output)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// findPgbench looks where the server's own programs are, and on the path.
func findPgbench() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("pgbench is not installed: apt-get install postgresql-contrib")
	}
	return found[len(found)-1], nil
}

// A fact and its meta as the accommodation service writes them, so that rows are of equal size.
const (
	sampleData = `{"notice":"zkxhrxi4sv4vu5pzjug3hii7f4","receipt":"SA-DMCC-LD6P-EA3L-OUQD","facility":"mo5xlk3a2ty4d4qec7hpmbage4","facility_kind":"tourist","unit":{"code":"00004","valid_from":"2025-07-01"},"guest":"01a1ffb8-c342-736f-8b3d-4ac5921aacad","nationality":"VNM","document_type":"citizen_id","arrived_at":"2026-11-21T20:07:41Z","notified_at":"2026-11-21T20:07:41.12346826Z","expected_departure":"2026-11-23","room":"101","reason":"tourism","duties":[{"kind":"stay_notice","due_at":"2026-11-22T08:00:00+07:00","notified_at":"2026-11-21T20:07:41.12346826Z","late_by_seconds":0,"rule":"stay_notice.2026-07","legal_basis":"Luật Cư trú 68/2020/QH14, Điều 30 (sửa đổi bởi Luật 118/2025/QH15)"}]}`
	sampleMeta = `{"cause":"mzxw6ytboi4dqmzugu3donrtgq","correlation":"01a1ffb8-c342-736f-8b3d-4ac5921aacad","actor":"facility:mo5xlk3a2ty4d4qec7hpmbage4","trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","fingerprint":"n5wgkzlsmvzxizlom5xw65dfon","occurred_at":"2026-11-21T20:07:41.12346826Z"}`
)
