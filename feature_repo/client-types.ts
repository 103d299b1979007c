// What the project usdcop_trading serves, written by `usdcop feast client-types` from its registry:
// not to be edited. It is the `schema` of `createFeatureClient`, from @usdcop/feature-client/client.

export const usdcopTradingFeatures = {
  project: 'usdcop_trading',
  views: {
    technical_features: {
      entities: {
        symbol: 'STRING',
      },
      features: {
        log_ret_5m: 'DOUBLE',
        log_ret_1h: 'DOUBLE',
        log_ret_4h: 'DOUBLE',
        rsi_9: 'DOUBLE',
        atr_pct: 'DOUBLE',
        adx_14: 'DOUBLE',
      },
      timestampField: 'event_timestamp',
    },
    macro_features: {
      entities: {
        symbol: 'STRING',
      },
      features: {
        dxy_z: 'DOUBLE',
        dxy_change_1d: 'DOUBLE',
        vix_z: 'DOUBLE',
        embi_z: 'DOUBLE',
        brent_change_1d: 'DOUBLE',
        rate_spread: 'DOUBLE',
        usdmxn_change_1d: 'DOUBLE',
      },
      timestampField: 'event_timestamp',
    },
    state_features: {
      entities: {
        symbol: 'STRING',
      },
      features: {
        position: 'DOUBLE',
        time_normalized: 'DOUBLE',
      },
      timestampField: 'event_timestamp',
    },
  },
  services: {
    observation_15d: {
      entities: {
        symbol: 'STRING',
      },
      features: {
        technical_features: {
          log_ret_5m: 'DOUBLE',
          log_ret_1h: 'DOUBLE',
          log_ret_4h: 'DOUBLE',
          rsi_9: 'DOUBLE',
          atr_pct: 'DOUBLE',
          adx_14: 'DOUBLE',
        },
        macro_features: {
          dxy_z: 'DOUBLE',
          dxy_change_1d: 'DOUBLE',
          vix_z: 'DOUBLE',
          embi_z: 'DOUBLE',
          brent_change_1d: 'DOUBLE',
          rate_spread: 'DOUBLE',
          usdmxn_change_1d: 'DOUBLE',
        },
        state_features: {
          position: 'DOUBLE',
          time_normalized: 'DOUBLE',
        },
      },
    },
  },
  pushSources: {
    state_push: {
      entities: {
        symbol: 'STRING',
      },
      features: {
        position: 'DOUBLE',
        time_normalized: 'DOUBLE',
      },
      timestampField: 'event_timestamp',
      createdTimestampField: 'created_timestamp',
    },
  },
} as const

export type UsdcopTradingFeatures = typeof usdcopTradingFeatures
