package notice

import clock "time"

func Renamed() clock.Time { return clock.Now() } // want forbidigo:clock
