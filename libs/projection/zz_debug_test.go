package projection_test
import ("testing";"time";"fmt";"context";"github.com/jackc/pgx/v5/pgxpool")
func sample(b *testing.B, pool *pgxpool.Pool) {
 ctx, cancel := context.WithCancel(context.Background()); b.Cleanup(cancel)
 counts := map[string]int{}
 b.Cleanup(func(){ for k,v := range counts { fmt.Println(v, k) } })
 go func(){ for ctx.Err()==nil { rows, err := pool.Query(ctx, "select left(regexp_replace(query,'\\s+',' ','g'),50)||' '||coalesce(wait_event,'CPU') from pg_stat_activity where state in ('active') and pid<>pg_backend_pid()"); if err!=nil {return}; for rows.Next(){ var s string; rows.Scan(&s); counts[s]++ }; rows.Close(); time.Sleep(20*time.Millisecond)} }()
}
