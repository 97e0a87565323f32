import CRocksDB

/// Makes a `rocksdb_options_t` out of our two option types.
enum COptions {
    /// The result is the caller's, for `rocksdb_options_destroy` once the database is open or the family made: RocksDB
    /// copies it.
    /// - Parameter cache: the block cache to share; RocksDB keeps its own reference to it.
    static func make(
        _ database: DatabaseOptions,
        _ family: ColumnFamilyOptions,
        cache: OpaquePointer
    ) throws(RocksDBError) -> OpaquePointer {
        let base: OpaquePointer = rocksdb_options_create()
        defer { rocksdb_options_destroy(base) }
        set(database, on: base)
        set(family, on: base)
        // The table factory is set before the option string, so that the string may also reach into it.
        setTables(family, cache: cache, on: base)

        // Settings without a C function. Automatic recovery from a background error can leave SST files ahead of the
        // log; unique ids catch a swapped table file when it is opened.
        let text =
            "max_bgerror_resume_count=0;verify_sst_unique_id_in_manifest=true;stats_persist_period_sec=0;"
            + database.extraOptions
        let result: OpaquePointer = rocksdb_options_create()
        do {
            try checking { rocksdb_get_options_from_string(base, text, result, $0) }
        } catch {
            rocksdb_options_destroy(result)
            throw error
        }
        return result
    }

    private static func set(_ options: DatabaseOptions, on pointer: OpaquePointer) {
        rocksdb_options_set_create_if_missing(pointer, flag(options.createIfMissing))
        rocksdb_options_set_create_missing_column_families(pointer, 1)
        rocksdb_options_set_paranoid_checks(pointer, flag(options.paranoidChecks))
        rocksdb_options_set_max_background_jobs(pointer, Int32(clamping: options.maxBackgroundJobs))
        rocksdb_options_set_max_open_files(pointer, Int32(clamping: options.maxOpenFiles))
        rocksdb_options_set_db_write_buffer_size(pointer, options.writeBufferBytes)
        rocksdb_options_set_max_total_wal_size(pointer, UInt64(clamping: options.logBytesMax))

        // All families move to disk together: a damaged log can then never be behind some of them only.
        rocksdb_options_set_atomic_flush(pointer, 1)
        rocksdb_options_set_manual_wal_flush(pointer, 0)
        rocksdb_options_set_wal_recovery_mode(pointer, Int32(rocksdb_point_in_time_recovery))

        // Few and small text logs: warnings only, at most three files of 1 MiB, no periodic statistics.
        rocksdb_options_set_info_log_level(pointer, 2)
        rocksdb_options_set_max_log_file_size(pointer, 1 << 20)
        rocksdb_options_set_keep_log_file_num(pointer, 3)
        rocksdb_options_set_stats_dump_period_sec(pointer, 0)

        // Obsolete files are removed by a background thread and not by the reader that let them go.
        rocksdb_options_set_avoid_unnecessary_blocking_io(pointer, 1)
        // Statistics that only steer compaction; reading them from every table would make a start slow.
        rocksdb_options_set_skip_stats_update_on_db_open(pointer, 1)
        // Sync in steps, so that one large flush does not stall the disk for a writer that waits for its log.
        rocksdb_options_set_bytes_per_sync(pointer, 1 << 20)
    }

    private static func set(_ options: ColumnFamilyOptions, on pointer: OpaquePointer) {
        rocksdb_options_set_write_buffer_size(pointer, options.writeBufferBytes)
        rocksdb_options_set_optimize_filters_for_hits(pointer, options.optimizeFiltersForHits ? 1 : 0)
        rocksdb_options_set_level_compaction_dynamic_level_bytes(pointer, 1)
        switch options.compression {
        case .none: rocksdb_options_set_compression(pointer, Int32(rocksdb_no_compression))
        case .lz4: rocksdb_options_set_compression(pointer, Int32(rocksdb_lz4_compression))
        }
    }

    private static func setTables(_ family: ColumnFamilyOptions, cache: OpaquePointer, on pointer: OpaquePointer) {
        let tables: OpaquePointer = rocksdb_block_based_options_create()
        defer { rocksdb_block_based_options_destroy(tables) }
        rocksdb_block_based_options_set_block_cache(tables, cache)
        rocksdb_block_based_options_set_block_size(tables, family.blockBytes)
        rocksdb_block_based_options_set_format_version(tables, 5)
        // Index and filters count against the cache, else memory grows with the data and not with the setting.
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(tables, 1)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(tables, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(tables, 1)
        rocksdb_block_based_options_set_whole_key_filtering(tables, 1)
        // The table options take the filter over and free it with the last table.
        switch family.filter {
        case .bloom(let bits):
            rocksdb_block_based_options_set_filter_policy(tables, rocksdb_filterpolicy_create_bloom_full(bits))
        case .ribbon(let bits):
            rocksdb_block_based_options_set_filter_policy(tables, rocksdb_filterpolicy_create_ribbon(bits))
        case nil: break
        }
        if family.hashIndexInDataBlocks {
            let kind = rocksdb_block_based_table_data_block_index_type_binary_search_and_hash
            rocksdb_block_based_options_set_data_block_index_type(tables, Int32(kind))
        }
        rocksdb_options_set_block_based_table_factory(pointer, tables)
    }
}
